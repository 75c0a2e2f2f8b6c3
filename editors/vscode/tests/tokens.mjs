// Tokens of texts as VS Code makes them. Stdin: {"grammar": path, "texts": {name: text}}; stdout: {name: [[token…]…]},
// a token being [start, end, [scope…]], one list a line.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

const require = createRequire(import.meta.url);
const { grammar: path, texts } = JSON.parse(readFileSync(0, "utf8"));

await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), path),
});
const grammar = await registry.loadGrammar("source.sflow");

function tokens(text) {
  let stack = textmate.INITIAL;
  return text.split("\n").map((line) => {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    return result.tokens.map((token) => [token.startIndex, token.endIndex, token.scopes]);
  });
}

process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, tokens(text)]))));
