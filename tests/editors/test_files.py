"""What editors know of the language is made of its grammar, and packaged as it was made."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from editors.generator.files import TEXTMATE_FILE, generated_files

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
EMACS = ROOT / "editors" / "emacs"
needs_node = pytest.mark.skipif(
    shutil.which("npm") is None or not (VSCODE / "node_modules").is_dir(), reason="`make vsix` brings Node's packages"
)


def test_generated_files_are_what_the_grammar_says() -> None:
    stale = [str(path) for path, text in generated_files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make editors writes them anew"


@pytest.mark.skipif(shutil.which("emacs") is None, reason="Emacs is not installed")
def test_the_emacs_mode_compiles_without_a_warning_and_indents(tmp_path: Path) -> None:
    files = [shutil.copy(path, tmp_path) for path in sorted(EMACS.glob("*.el"), reverse=True)]
    strict = ["--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", *files]
    compiled = subprocess.run(["emacs", "--batch", "-Q", "-L", tmp_path, *strict], capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    text = 'on a {\nexpect dtmf matching /[{"]#/ within 2s else { # {\nlog """\n{ as "it" is\n"""\nrecover }\n}\n'
    indent = "(sflow-mode) (indent-region 1 (point-max)) (princ (buffer-string))"
    ask = f"(with-temp-buffer (insert {json.dumps(text)}) {indent})"
    run = ["emacs", "--batch", "-Q", "-L", tmp_path, "-l", "sflow-mode", "--eval", ask]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        'on a {\n  expect dtmf matching /[{"]#/ within 2s else { # {\n'
        '    log """\n{ as "it" is\n"""\n    recover }\n}\n'
    )


@needs_node
def test_the_textmate_grammar_passes_its_own_tests() -> None:
    done = subprocess.run(["npm", "test"], cwd=VSCODE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
def test_the_vsix_is_packaged_and_has_the_grammar(tmp_path: Path) -> None:
    vsix = tmp_path / "sipflow.vsix"
    package = ["npx", "--no-install", "vsce", "package", "--no-dependencies", "--allow-missing-repository"]
    done = subprocess.run(
        [*package, "--out", str(vsix)], cwd=VSCODE, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(vsix) as archive:
        manifest = json.loads(archive.read("extension/package.json"))
        assert archive.read("extension/syntaxes/sflow.tmLanguage.json") == TEXTMATE_FILE.read_bytes()
        bundle = tmp_path / "extension.js"
        bundle.write_bytes(archive.read("extension/dist/extension.js"))
    assert manifest["contributes"]["languages"][0]["extensions"] == [".sflow"]
    subprocess.run(["node", "--check", str(bundle)], check=True, timeout=60)
