"""What editors know of the language is made of its grammar, and packaged as it was made."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from editors.generator.files import TEXTMATE_FILE, generated_files
from sipflow.lang.tables import load_tables

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
EMACS = ROOT / "editors" / "emacs" / "sflow-mode.el"
needs_node = pytest.mark.skipif(
    shutil.which("npm") is None or not (VSCODE / "node_modules").is_dir(), reason="`make vsix` brings Node's packages"
)


def test_generated_files_are_what_the_grammar_says() -> None:
    stale = [str(path) for path, text in generated_files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make editors writes them anew"


def test_emacs_colours_words_of_the_grammar_only() -> None:
    found = re.search(r"defconst sflow-words\s+'\((.*?)\)", EMACS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert set(re.findall(r'"(\w+)"', found[1])) <= set(load_tables().words)


@pytest.mark.skipif(shutil.which("emacs") is None, reason="Emacs is not installed")
def test_the_emacs_mode_compiles_without_a_warning_and_indents(tmp_path: Path) -> None:
    copy = tmp_path / EMACS.name
    copy.write_bytes(EMACS.read_bytes())
    indent = '(with-temp-buffer (insert "on a {\\nplay x\\n}\\n") (sflow-mode) (indent-region 1 (point-max))'
    ask = ["--eval", f"(progn {indent} (princ (buffer-string))))"]
    strict = ["--eval", "(setq byte-compile-error-on-warn t)", "--eval", f'(byte-compile-file "{copy}")']
    run = ["emacs", "--batch", "-Q", *strict, "-l", str(copy), *ask]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("on a {\n  play x\n}\n")


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
