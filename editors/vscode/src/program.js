// Where the `sipflow` program is.
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";

const IN_ENVIRONMENT = process.platform === "win32" ? ["Scripts", "sipflow.exe"] : ["bin", "sipflow"];
const ENVIRONMENTS = [".venv", "venv"];

/** The setting, else the virtual environment of a workspace folder, else what the search path has. */
export function program() {
  const set = vscode.workspace.getConfiguration("sipflow").get("path");
  return set || inWorkspace() || "sipflow";
}

/** The folder that a file's commands run in. @param {vscode.Uri} uri */
export function folderOf(uri) {
  return vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? join(uri.fsPath, "..");
}

function inWorkspace() {
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  const places = folders.flatMap((folder) => ENVIRONMENTS.map((name) => join(folder, name, ...IN_ENVIRONMENT)));
  return places.find((place) => existsSync(place));
}

/** Says that a program did not start, and leads to the setting. @param {string} reason */
export async function complain(reason) {
  const settings = "Open settings";
  const message = `sipflow does not start: ${reason} Install it with \`pip install "sipflow[lsp]"\`, or set sipflow.path.`;
  if ((await vscode.window.showErrorMessage(message, settings)) === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "sipflow.path");
  }
}
