"""`sipflow`: the command line. Each command is a module of its own, loaded when it is called."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from sipflow import __version__
from sipflow.cli import COMPLETE_VARIABLE, PROGRAM, load, main
from sipflow.values import dataclass

__all__ = ["cli", "main", "run_command"]


@dataclass(frozen=True, slots=True)
class _Row:
    """One command, known without importing it."""

    section: str
    module: str
    attribute: str
    text: str
    """One line for `sipflow --help`."""


_COMMANDS = {
    "check": _Row("Write", "sipflow.cli.check", "check", "Say what is wrong with scenarios before a packet is sent."),
    "fmt": _Row("Write", "sipflow.cli.fmt", "fmt", "Lay out scenarios the one way."),
    "explain": _Row("Write", "sipflow.cli.explain", "explain", "Explain a diagnostic: what it means, what to write."),
    "lsp": _Row("Write", "sipflow.cli.lsp", "lsp", "Serve editors: diagnostics, completion, rename, as you type."),
    "run": _Row("Run", "sipflow.cli.run", "run", "Run scenarios: real SIP, real audio, a verdict."),
    "load": _Row("Run", "sipflow.cli.load", "load", "Run a scenario thousands of times, and measure every call."),
    "worker": _Row("Run", "sipflow.cli.worker", "worker", "Offer this machine to a load run on another one."),
    "graph": _Row("Show", "sipflow.cli.graph", "graph", "Show the graph that a scenario means."),
    "import": _Row("Show", "sipflow.cli.flowdata", "import_flow", "Turn a flow of the desktop builder into text."),
    "export": _Row(
        "Show", "sipflow.cli.flowdata", "export_flow", "Turn a scenario into a flow of the desktop builder."
    ),
    "media": _Row("Show", "sipflow.cli.media", "media", "List and check audio files, join recordings."),
    "doctor": _Row("System", "sipflow.cli.doctor", "doctor", "Tell what this machine grants, and what to change."),
    "completion": _Row("System", "sipflow.cli.completion", "completion", "Print the completion script of a shell."),
}
_EXTRAS = {"pygls": "lsp", "lsprotocol": "lsp", "distributed": "cluster", "dask": "cluster"}
"""Packages that only an extra of the installation brings."""


class MissingPartError(click.ClickException):
    """A command needs what is not installed; the text has the line that installs it."""

    exit_code = 3


class _LazyGroup(click.Group):
    """Knows its commands by name; imports one only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: as one works."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it; raises `MissingPartError` when it needs what is not installed."""
        if cmd_name not in _COMMANDS:
            return None
        row = _COMMANDS[cmd_name]
        try:
            command: click.Command = getattr(load(row.module), row.attribute)
        except ModuleNotFoundError as error:
            raise MissingPartError(_missing(cmd_name, error.name or "")) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that `--help` imports nothing."""
        width = max(map(len, _COMMANDS))
        for section in dict.fromkeys(row.section for row in _COMMANDS.values()):
            rows = [(name.ljust(width), row.text) for name, row in _COMMANDS.items() if row.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """From the table as well: a shell that completes a command's name waits for no import."""
        from click.shell_completion import CompletionItem

        names = [name for name in _COMMANDS if name.startswith(incomplete)]
        found = [CompletionItem(name, help=_COMMANDS[name].text) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest command for a mistyped one."""
        name = args[0] if args else ""
        if name not in _COMMANDS:
            from difflib import get_close_matches

            for near in get_close_matches(name, _COMMANDS, 1):
                ctx.fail(f"no such command '{name}'; did you mean '{near}'?")
        return super().resolve_command(ctx, args)


def _missing(command: str, package: str) -> str:
    extra = _EXTRAS.get(package.partition(".")[0])
    if extra is not None:
        return f"`{PROGRAM} {command}` needs {package}, which is not installed: pip install '{PROGRAM}[{extra}]'"
    return f"`{PROGRAM} {command}` cannot be loaded: there is no module {package}"


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Say in text what a call should do; sipflow does it on the wire and says whether it went as expected.

    `sipflow COMMAND --help` says all about a command.

    \b
    Exit codes:
      0    passed, or nothing wrong
      1    a scenario failed
      2    the file is wrong, or the command line is
      3    the machine is wrong: a file that cannot be written, a port in use
      4    the load generator could not keep its promises
      70   a fault in sipflow itself; its traceback is in the file that is named
      130  interrupted (Ctrl-C)
    """


def run_command() -> None:
    """Do what the command line says, and leave; raises what a command raises, save click's own exceptions."""
    if COMPLETE_VARIABLE in os.environ:
        from sipflow.cli.completion import register

        register()
    try:
        sys.exit(cli.main(prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
