"""Vim and Emacs show keywords, strings, numbers and comments as what they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from editors.generator.vim import group
from sipflow.lang.parse import parse
from sipflow.lang.syntax import Token
from sipflow.lang.tables import load_tables
from tests.editors.test_textmate import SAMPLES, tokens_of, word_table

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ORDINARY = {name: text for name, text in SAMPLES.items() if name != "names like keywords"}
VIM = {"STRING": "sflowString", "RAW": "sflowRaw", "REGEX": "sflowRegex", "COMMENT": "sflowComment"} | {
    "NUMBER": "sflowNumber", "QUANTITY": "sflowNumber",
}  # fmt: skip
EMACS = dict.fromkeys(("STRING", "RAW", "REGEX"), "font-lock-string-face") | {
    "NUMBER": "font-lock-constant-face", "QUANTITY": "font-lock-constant-face",
    "COMMENT": "font-lock-comment-delimiter-face",
}  # fmt: skip


def tokens(text: str) -> list[Token]:
    """The tokens of a text that editors show without knowing what a name stands for."""
    tree = parse(text).tree
    found = [*(token for _, token in tokens_of(tree.root)), *tree.comments]
    return [token for token in found if token.kind in VIM or is_word(token)]


def is_word(token: Token) -> bool:
    return load_tables().words.get(token.text) == token.kind


def asked(folder: Path) -> list[list[object]]:
    """A file for each sample, with the places of its tokens."""
    files: list[list[object]] = []
    for number, text in enumerate(ORDINARY.values()):
        path = folder / f"{number}.sflow"
        path.write_text(text, encoding="utf-8")
        starts = [text[: token.start] for token in tokens(text)]
        files.append([str(path), [[before.count("\n") + 1, len(before) - before.rfind("\n")] for before in starts]])
    return files


def told_by(command: list[str], folder: Path) -> list[list[str]]:
    """What an editor tells of the places of all samples."""
    places, answer = folder / "asked.json", folder / "told.json"
    places.write_text(json.dumps(asked(folder)))
    environment = {**os.environ, "SFLOW_ASKED": str(places), "SFLOW_TOLD": str(answer), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(answer.read_text())
    return found


def families_of(word: str) -> set[str]:
    return {of_place[word] for of_place in word_table().places.values() if word in of_place}


def differences(told: list[list[str]], fitting: dict[str, set[str]]) -> list[str]:
    """Tokens with another group or face than one of those that fit."""
    found = []
    for (name, text), shown in zip(ORDINARY.items(), told, strict=True):
        for token, actual in zip(tokens(text), shown, strict=True):
            if actual not in fitting[token.text if is_word(token) else token.kind]:
                found.append(f"{name}: {token.text!r} at {token.start} is {actual}")
    return found


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_every_token_as_what_it_is(tmp_path: Path) -> None:
    plugin = ["--cmd", f"set runtimepath+={ROOT / 'editors' / 'neovim'}", "--cmd", "let g:sipflow_command = v:false"]
    script = ["--cmd", "filetype plugin on", "-c", f"luafile {HERE / 'tokens.lua'}"]
    told = told_by(["nvim", "--headless", "--clean", *plugin, *script], tmp_path)
    fitting = {
        word: {group(family) for family in families_of(word)} for of in word_table().places.values() for word in of
    }
    fitting |= {kind: {shown} for kind, shown in VIM.items()}
    assert differences(told, fitting) == []


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("emacs") is None, reason="Emacs is not installed")
def test_emacs_shows_every_token_as_what_it_is(tmp_path: Path) -> None:
    told = told_by(
        ["emacs", "--batch", "-Q", "-L", str(ROOT / "editors" / "emacs"), "-l", str(HERE / "tokens.el")], tmp_path
    )
    faces = {name: family.emacs for name, family in word_table().families.items()}
    fitting = {
        word: {faces[family] for family in families_of(word)} for of in word_table().places.values() for word in of
    }
    fitting |= {kind: {shown} for kind, shown in EMACS.items()}
    assert differences(told, fitting) == []
