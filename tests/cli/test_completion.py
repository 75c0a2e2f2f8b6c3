"""`sipflow completion`: click's protocol, and the scripts in the shells that are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sipflow.cli.main import cli
from sipflow.lang.codes import CODES
from tests.cli.commands import SIPFLOW, sipflow

SHELLS = ("bash", "zsh", "fish")
NEEDS = {name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed") for name in SHELLS}


def completed(line: str) -> list[str]:
    """What is offered for the last word of a line, as `kind,value`; the word is empty after a blank."""
    words = line.split(" ")
    done = sipflow(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _SIPFLOW_COMPLETE="bash_complete")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


def test_commands() -> None:
    assert completed("sipflow ex") == ["plain,explain", "plain,export"]
    assert completed("sipflow ") == [f"plain,{name}" for name in cli.list_commands(None)]  # type: ignore[arg-type]
    assert completed("sipflow media ") == ["plain,check", "plain,join", "plain,list"]


def test_options_and_their_values() -> None:
    assert completed("sipflow check --f") == ["plain,--format", "plain,--fix"]
    assert completed("sipflow check --format ") == [
        f"plain,{name}" for name in ("text", "json", "github", "sarif", "junit")
    ]
    assert completed("sipflow completion ") == [f"plain,{name}" for name in SHELLS]


def test_codes() -> None:
    assert completed("sipflow explain sf20") == [f"plain,{code}" for code in CODES if code.startswith("SF20")]


@pytest.mark.parametrize("command", ["check", "run", "graph", "fmt", "export"])
def test_scenario_files_are_left_to_the_shell(command: str) -> None:
    assert completed(f"sipflow {command} iv") == ["sflow,iv"]


def test_completing_a_command_imports_none() -> None:
    program = (
        "import sys\nfrom sipflow.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'lark', 'numpy', 'rich', 'asyncio', 'sipflow.lang', 'sipflow.api', 'sipflow.cli.check'}\n"
        "print('', heavy & set(sys.modules))\n"
    )
    environment = {"COMP_WORDS": "sipflow ch", "COMP_CWORD": "1", "_SIPFLOW_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | environment, check=True
    )
    assert done.stdout.splitlines() == ["plain,check", " set()"]


def test_no_such_shell() -> None:
    assert sipflow("completion", "tcsh").returncode == 2


# --- real shells ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some files, and a `sipflow` that is first in PATH."""
    for name in ("ivr.sflow", "two words.sflow", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inside").mkdir()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "sipflow"
    command.write_text(f'#!/bin/sh\nexec {" ".join(SIPFLOW)} "$@"\n')
    command.chmod(0o755)
    return tmp_path


def environment_of(folder: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder / "bin")}


def script_of(shell: str, folder: Path) -> Path:
    script = folder / "bin" / "script"
    script.write_text(sipflow("completion", shell).stdout)
    return script


def in_shell(shell: str, program: str, folder: Path) -> list[str]:
    """Lines that a program of a shell prints in `folder` when it has loaded the script of the completion."""
    program = f"source {script_of(shell, folder)}\n{program}"
    options = {"bash": ["--norc"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *options, "-c", program],
        cwd=folder, env=environment_of(folder), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


# bash knows `compopt` only while it completes; the rest is as bash does it.
BASH = """
compopt() { :; }
try() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _sipflow_completion sipflow
    printf '%s\\n' "${COMPREPLY[@]}"
}
complete -p sipflow
try sipflow che
try sipflow check ""
try sipflow check --media-dir i
try sipflow explain SF203
"""


@NEEDS["bash"]
def test_bash(folder: Path) -> None:
    registered, command, *rest = in_shell("bash", BASH, folder)
    assert registered.endswith("-F _sipflow_completion sipflow") and command == "check"
    files, (media, code) = rest[:-2], rest[-2:]
    assert sorted(files) == ["bin", "inside", "ivr.sflow", "two words.sflow"]
    assert (media, code) == ("inside", "SF203")


FISH = """
complete -C 'sipflow che'
complete -C 'sipflow check --format s'
complete -C 'sipflow explain SF203'
complete -C 'sipflow check iv'
"""


@NEEDS["fish"]
def test_fish(folder: Path) -> None:
    command, form, code, file = in_shell("fish", FISH, folder)
    assert command.startswith("check\tSay what is wrong") and form.startswith("sarif")
    assert code == "SF203\tan unknown agent" and file == "ivr.sflow"


class Typing:
    """An interactive zsh at a pseudo-terminal: zsh completes in its line editor only."""

    def __init__(self, folder: Path) -> None:
        self.keyboard, terminal = pty.openpty()
        self.process = subprocess.Popen(
            ["zsh", "-f", "-i"], cwd=folder, env=environment_of(folder) | {"TERM": "dumb"},
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)

    def type(self, keys: str, until: str) -> None:
        """Press keys, and wait until the terminal has shown `until`."""
        os.write(self.keyboard, keys.encode())
        shown, deadline = "", time.monotonic() + 20
        while until not in shown:
            ready, _, _ = select.select([self.keyboard], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{until!r} did not come; this did: {shown!r}"
            shown += os.read(self.keyboard, 4096).decode("utf-8", "replace")

    def close(self) -> None:
        """Hang up."""
        self.process.kill()
        self.process.wait()
        os.close(self.keyboard)


@NEEDS["zsh"]
def test_zsh(folder: Path) -> None:
    zsh = Typing(folder)
    clear = "\x15"
    try:
        zsh.type(f"autoload -U compinit; compinit -u -D; source {script_of('zsh', folder)}; echo load''ed\n", "loaded")
        zsh.type("sipflow comp\t", "completion ")
        zsh.type(f"{clear}sipflow explain SF11\t", "SF117")
        zsh.type(f"{clear}sipflow check iv\t", "r.sflow ")  # the terminal shows what is added
        zsh.type(f"{clear}sipflow check --media-dir ins\t", "ide/")
    finally:
        zsh.close()
