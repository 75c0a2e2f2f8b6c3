// Makes dist/extension.js, everything in one file, and brings the grammar in: VS Code takes nothing from outside.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));

mkdirSync(join(folder, "syntaxes"), { recursive: true });
copyFileSync(join(folder, "../../grammar/sflow.tmLanguage.json"), join(folder, "syntaxes/sflow.tmLanguage.json"));

await build({
  entryPoints: [join(folder, "src/extension.js")],
  outfile: join(folder, "dist/extension.js"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node18",
  external: ["vscode"],
  minify: true,
  legalComments: "eof",
  logLevel: "warning",
});
