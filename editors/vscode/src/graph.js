// The graph of the file at hand, drawn beside it; drawn again when the file is saved.
import { execFile } from "node:child_process";
import { basename } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { complain, folderOf, program } from "./program.js";

const LARGEST_PICTURE_BYTES = 64 * 1024 * 1024;
const STYLE = "body { margin: 0; background: white; } svg { display: block; margin: auto; max-width: 100%; height: auto; }";

export async function graphCommand() {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId !== "sflow" || document.isUntitled) {
    return;
  }
  await document.save();
  const title = `Graph of ${basename(document.fileName)}`;
  const panel = vscode.window.createWebviewPanel("sipflow.graph", title, vscode.ViewColumn.Beside, { enableScripts: false });
  const saved = vscode.workspace.onDidSaveTextDocument((other) => other === document && draw(panel, document.uri));
  panel.onDidDispose(() => saved.dispose());
  await draw(panel, document.uri);
}

async function draw(panel, uri) {
  const options = { cwd: folderOf(uri), maxBuffer: LARGEST_PICTURE_BYTES };
  try {
    const { stdout } = await promisify(execFile)(program(), ["graph", "--format", "svg", uri.fsPath], options);
    panel.webview.html = page(stdout);
  } catch (error) {
    if (error.code === "ENOENT") {
      void complain(`${program()} is not there.`);
    }
    panel.webview.html = page(`<pre>${escaped(error.stderr || error.message)}</pre>`);
  }
}

function page(body) {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:";
  const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><style>${STYLE}</style>`;
  return `<!doctype html><html><head>${head}</head><body>${body}</body></html>`;
}

function escaped(text) {
  return text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
}
