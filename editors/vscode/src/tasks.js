// Commands that run `sipflow` in a terminal; what it finds wrong lands in the list of problems.
import * as vscode from "vscode";
import { folderOf, program } from "./program.js";

export const runCommand = () => onThisFile("run");
export const checkCommand = () => onThisFile("check");

/** @param {"run" | "check"} command */
async function onThisFile(command) {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId === "sflow" && (await document.save())) {
    await vscode.tasks.executeTask(task(command, document.uri));
  }
}

function task(command, uri) {
  const scope = vscode.workspace.getWorkspaceFolder(uri) ?? vscode.TaskScope.Workspace;
  const execution = new vscode.ProcessExecution(program(), [command, uri.fsPath], { cwd: folderOf(uri) });
  const made = new vscode.Task({ type: "process" }, scope, command, "sipflow", execution, "$sipflow");
  made.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: true };
  made.group = vscode.TaskGroup.Test;
  return made;
}
