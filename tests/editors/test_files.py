"""What editors know of the language is made of its grammar, and Emacs takes it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from editors.generator.files import generated_files

ROOT = Path(__file__).parents[2]
EMACS = ROOT / "editors" / "emacs"


def test_generated_files_are_what_the_grammar_says() -> None:
    stale = [str(path) for path, text in generated_files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make editors writes them anew"


@pytest.mark.skipif(shutil.which("emacs") is None, reason="Emacs is not installed")
def test_the_emacs_mode_compiles_without_a_warning_and_indents(tmp_path: Path) -> None:
    files = [str(shutil.copy(path, tmp_path)) for path in sorted(EMACS.glob("*.el"), reverse=True)]
    strict = ["--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", *files]
    compiled = subprocess.run(["emacs", "--batch", "-Q", "-L", str(tmp_path), *strict], capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    text = 'on a {\nexpect dtmf matching /[{"]#/ within 2s else { # {\nlog """\n{ as "it" is\n"""\nrecover }\n}\n'
    indent = "(sflow-mode) (indent-region 1 (point-max)) (princ (buffer-string))"
    ask = f"(with-temp-buffer (insert {json.dumps(text)}) {indent})"
    run = ["emacs", "--batch", "-Q", "-L", str(tmp_path), "-l", "sflow-mode", "--eval", ask]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        'on a {\n  expect dtmf matching /[{"]#/ within 2s else { # {\n'
        '    log """\n{ as "it" is\n"""\n    recover }\n}\n'
    )
