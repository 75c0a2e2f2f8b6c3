// The extension: a client of `sipflow lsp`, and commands that start `sipflow` on the file at hand.
import * as vscode from "vscode";
import { graphCommand } from "./graph.js";
import { startServer } from "./server.js";
import { checkCommand, runCommand } from "./tasks.js";

let server;

/** VS Code calls this when the first .sflow file is opened. @param {vscode.ExtensionContext} context */
export async function activate(context) {
  const commands = { run: runCommand, check: checkCommand, graph: graphCommand, restart };
  for (const [name, command] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`sipflow.${name}`, () => command()));
  }
  context.subscriptions.push(vscode.workspace.onDidChangeConfiguration(restartWhenPathChanged));
  context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(restart));
  await restart();
  return { server: () => server };
}

/** VS Code calls this when it goes. */
export async function deactivate() {
  const old = server;
  server = undefined;
  await old?.dispose();
}

async function restart() {
  await deactivate();
  server = vscode.workspace.isTrusted ? await startServer() : undefined;
}

/** @param {vscode.ConfigurationChangeEvent} change */
async function restartWhenPathChanged(change) {
  if (change.affectsConfiguration("sipflow.path")) {
    await restart();
  }
}
