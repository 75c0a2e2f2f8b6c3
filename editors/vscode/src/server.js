// The language server: started, told the settings, stopped.
import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";
import { complain, program } from "./program.js";
import { withoutTypes } from "./tokens.js";

/** What the grammar shows already, and in more colours. */
const SHOWN_BY_GRAMMAR = ["keyword", "string", "number", "regexp", "comment", "operator"];

/** A running client; undefined, and a message, when there is no server. */
export async function startServer() {
  const command = program();
  const executable = { command, args: ["lsp"], transport: TransportKind.stdio };
  const client = new LanguageClient("sipflow", "sipflow", executable, clientOptions(() => client));
  try {
    await client.start();
    return client;
  } catch (error) {
    void complain(`${command}: ${error instanceof Error ? error.message : error}.`);
    return undefined;
  }
}

function clientOptions(client) {
  const settings = vscode.workspace.getConfiguration("sipflow");
  const shown = async (tokens) => reduced(await tokens, client());
  return {
    documentSelector: [{ language: "sflow" }],
    initializationOptions: { mediaDir: settings.get("mediaDir"), variables: settings.get("variables") },
    synchronize: { configurationSection: "sipflow" },
    middleware: {
      provideDocumentSemanticTokens: (document, token, next) => shown(next(document, token)),
      provideDocumentRangeSemanticTokens: (document, range, token, next) => shown(next(document, range, token)),
    },
  };
}

function reduced(tokens, client) {
  const legend = client.initializeResult?.capabilities.semanticTokensProvider?.legend.tokenTypes ?? [];
  const dropped = new Set(SHOWN_BY_GRAMMAR.map((type) => legend.indexOf(type)));
  return tokens && new vscode.SemanticTokens(withoutTypes(tokens.data, dropped), tokens.resultId);
}
