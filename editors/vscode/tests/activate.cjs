// Activates the packaged extension against a stand-in for VS Code, with the real language server behind it.
// Arguments: the bundle, the program, a file. Prints what the server said of itself and what it finds in the file.
const Module = require("node:module");
const { readFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");

const [bundle, program, file] = process.argv.slice(2);
const commands = new Map();
let published;
const diagnostics = new Promise((resolve) => (published = resolve));

const never = () => ({ dispose() {} });

/** A class, function and object of any shape: what the client's library asks of VS Code without our test's interest. */
function anything() {
  return new Proxy(class {}, {
    get: (target, name) => (name in target || typeof name === "symbol" ? target[name] : (target[name] = anything())),
    apply: () => ({ dispose() {} }),
    construct: (target, given, made) => Reflect.construct(Object, [], made),
  });
}

function overlaid(own) {
  const rest = anything();
  return new Proxy(own, { get: (target, name) => (name in target ? target[name] : rest[name]) });
}

class EventEmitter {
  listeners = [];
  event = (listener) => (this.listeners.push(listener), { dispose() {} });
  fire = (value) => this.listeners.forEach((listener) => listener(value));
  dispose() {}
}

class Place {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(...given) {
    const [start, end] = given.length === 4 ? [new Place(given[0], given[1]), new Place(given[2], given[3])] : given;
    Object.assign(this, { start, end });
  }
}

class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: never };
  cancel() {}
  dispose() {}
}

class Disposable {
  static from = never;
  dispose() {}
}

class Kind {
  constructor(value) {
    this.value = value;
  }
  append = (part) => new Kind(`${this.value}.${part}`);
}

const KINDS = ["Empty", "QuickFix", "Refactor", "RefactorExtract", "RefactorInline", "RefactorRewrite", "Source"];
const uri = (value) => ({ scheme: "file", fsPath: file, path: file, toString: () => value });
const document = {
  uri: uri(pathToFileURL(file).href),
  fileName: file,
  languageId: "sflow",
  version: 1,
  isClosed: false,
  getText: () => readFileSync(file, "utf8"),
};
const settings = { path: program, mediaDir: "", variables: [] };

const vscode = overlaid({
  version: "1.90.0",
  EventEmitter,
  Position: Place,
  Range,
  Diagnostic,
  CancellationTokenSource,
  Disposable,
  CodeActionKind: overlaid(Object.fromEntries(KINDS.map((name) => [name, new Kind(name)]))),
  Uri: { parse: uri, file: (path) => uri(pathToFileURL(path).href) },
  env: { appName: "stand-in", language: "en", machineId: "", sessionId: "" },
  commands: overlaid({ registerCommand: (name, command) => (commands.set(name, command), { dispose() {} }) }),
  window: overlaid({
    activeTextEditor: undefined,
    visibleTextEditors: [],
    tabGroups: { all: [], onDidChangeTabs: never, onDidChangeTabGroups: never, close: never },
    createOutputChannel: () => overlaid({ appendLine() {}, append() {}, dispose() {}, show() {} }),
    onDidChangeActiveTextEditor: never,
    showErrorMessage: async (message) => console.error(message),
  }),
  languages: overlaid({
    match: (selector, { languageId }) => (selector.some((one) => one.language === languageId) ? 10 : 0),
    createDiagnosticCollection: () => ({
      set: (where, found) => published({ uri: where.toString(), codes: found.map((one) => one.code?.value ?? one.code) }),
      delete() {},
      clear() {},
      dispose() {},
    }),
  }),
  workspace: overlaid({
    isTrusted: true,
    textDocuments: [document],
    notebookDocuments: [],
    workspaceFolders: undefined,
    getConfiguration: () => ({ get: (name, otherwise) => settings[name] ?? otherwise }),
    getWorkspaceFolder: () => undefined,
  }),
});

const load = Module._load;
Module._load = (request, ...rest) => (request === "vscode" ? vscode : load(request, ...rest));

async function main() {
  const extension = require(bundle);
  const { server } = await extension.activate({ subscriptions: [] });
  const { serverInfo, capabilities } = server().initializeResult;
  const found = await diagnostics;
  await extension.deactivate();
  const told = { serverInfo, capabilities: Object.keys(capabilities), commands: [...commands.keys()], found };
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
