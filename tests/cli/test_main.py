"""The command line as a whole: help of every command, and no traceback whatever happens."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sipflow.cli.main import cli
from tests.cli.commands import SIPFLOW, sipflow

CONTEXT = click.Context(cli, info_name="sipflow")
WRONG = "on alice: call bbo; release\non bob: answer; expect hangup\n"


def commands(group: click.Group = cli, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands with their subcommands, by what one types."""
    for child in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, child)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name}{child} ")
        else:
            yield f"{name}{child}", command


COMMANDS = dict(commands())
OPTIONS = [(name, option) for name, command in COMMANDS.items() for option in command.params
           if isinstance(option, click.Option)]  # fmt: skip


def help_of(name: str) -> str:
    command = COMMANDS[name]
    return command.get_help(click.Context(command, info_name=name, parent=CONTEXT, max_content_width=100))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_what_it_does_the_exit_codes_and_examples(name: str) -> None:
    text = help_of(name)
    assert re.search(r"^  [A-Z].*", text, re.MULTILINE), "a sentence about what it does"
    assert re.search(r"Exit codes", text)
    assert re.search(rf"^ +(?:\w.* )?sipflow {name}\b", text, re.MULTILINE), "an example"


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[f"{name} {option.opts[0]}" for name, option in OPTIONS])
def test_every_option_is_explained_in_a_sentence(name: str, option: click.Option) -> None:
    assert option.help and len(option.help.split()) >= 3 and option.help.rstrip().endswith((".", ")"))


def test_help_of_the_whole_groups_commands_and_names_each() -> None:
    text = sipflow("--help").stdout
    sections = [line for line in re.findall(r"^(\w+):$", text, re.MULTILINE) if line != "Options"]
    assert sections == ["Write", "Run", "Show", "System"]
    for name in cli.list_commands(CONTEXT):
        assert re.search(rf"^  {name} +[A-Z].*\.$", text, re.MULTILINE), name


def test_help_imports_no_command() -> None:
    program = (
        "import sys\nfrom sipflow.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print(sorted(name for name in sys.modules if name.startswith('sipflow.cli.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == ["sipflow.cli.main"]


def test_a_mistyped_command() -> None:
    done = sipflow("chekc")
    assert done.returncode == 2 and "did you mean 'check'?" in done.stderr


def test_what_an_extra_brings_and_is_not_there_is_said_with_the_line_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pygls'] = sys.modules['lsprotocol'] = None\n")
    done = sipflow("lsp", PYTHONPATH=str(tmp_path))
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert re.search(r"`sipflow lsp` needs (pygls|lsprotocol)\S*, .*: pip install 'sipflow\[lsp\]'", done.stderr)


def test_extras_that_are_named_exist() -> None:
    from sipflow.cli.main import _EXTRAS

    text = (Path(importlib.import_module("tests").__file__ or "").parents[1] / "pyproject.toml").read_text()
    extras = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    assert set(_EXTRAS.values()) <= set(re.findall(r"^(\w+) = \[", extras, re.MULTILINE))


# --- no traceback --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_a_reader_that_goes_away(tmp_path: Path, form: str) -> None:
    """As `sipflow check … | head -1`: more is written than a pipe holds."""
    statements = "; ".join("call bbo" for _ in range(90))
    for number in range(20):
        (tmp_path / f"{number}.sflow").write_text(f"on alice: {statements}\n")
    process = subprocess.Popen(
        [*SIPFLOW, "check", str(tmp_path), "--format", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert b"Traceback" not in (said := process.stderr.read()) and b"BrokenPipe" not in said
    process.wait(20)


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_a_terminal_without_unicode(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.sflow").write_text("on alice: call b\u00f6b; log \u201cx\u201d\non bob: answer\n", encoding="utf-8")
    done = sipflow("check", "a.sflow", "--format", form, folder=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 2 and done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "fmt", "graph", "export", "run"])
@pytest.mark.parametrize("data", [b"\xff\xfe\x00on", bytes(range(256)) * 40, b"{" * 100_000, b"\xc3\xa9" * 3_000_000])
def test_what_is_no_scenario(tmp_path: Path, command: str, data: bytes) -> None:
    (tmp_path / "odd.sflow").write_bytes(data)
    done = sipflow(command, "odd.sflow", folder=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "fmt", "graph", "export", "import", "run"])
@pytest.mark.parametrize("name", ["nowhere.sflow", "folder"])
def test_what_cannot_be_read(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "folder").mkdir()
    done = sipflow(command, name, folder=tmp_path)
    assert done.returncode in (2, 3) and done.stderr and "Traceback" not in done.stderr


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = tmp_path / "caf\udce9.sflow"
    name.write_text(WRONG)
    for form in ("text", "json", "github", "sarif", "junit"):
        done = sipflow("check", ".", "--format", form, folder=tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr


def test_hidden_folders_and_those_of_others_are_passed_over(tmp_path: Path) -> None:
    for folder in (".git", ".venv/lib", "node_modules/x", "sipflow-out", "mine"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.sflow").write_text(WRONG)
    done = sipflow("check", ".", "mine", "mine/../mine/a.sflow", folder=tmp_path)
    assert done.stderr.startswith("1 file checked: 1 error\n") and done.stdout.count("error[") == 1


def test_a_file_by_any_name_is_checked_when_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "scenario.txt").write_text(WRONG)
    assert sipflow("check", "scenario.txt", folder=tmp_path).returncode == 2
    done = sipflow("check", ".", folder=tmp_path)
    assert done.returncode == 2 and "there is no .sflow file in ." in done.stderr


def test_no_color(tmp_path: Path) -> None:
    from sipflow.cli.formats.as_text import colour_flag

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        assert (colour_flag(), colour_flag("always")) == (False, True)
        patch.setenv("NO_COLOR", "")
        assert colour_flag() is None
