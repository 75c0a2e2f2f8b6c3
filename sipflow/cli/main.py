"""`sipflow`: the command line. Each command is a module of its own, loaded when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from sipflow import __version__
from sipflow.errors import SipflowError

_COMMANDS = {
    "run": ("sipflow.cli.run", "run", "Run scenarios: real SIP, real audio, a verdict."),
    "check": ("sipflow.cli.check", "check", "Say what is wrong with scenarios before a packet is sent."),
    "graph": ("sipflow.cli.graph", "graph", "Show the graph that a scenario means."),
    "media": ("sipflow.cli.media", "media", "List and check audio files."),
    "doctor": ("sipflow.cli.doctor", "doctor", "Tell what this machine grants, and what to change."),
}


class _LazyGroup(click.Group):
    """Knows its commands by name; imports one only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: the most used first."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that `--help` imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest command for a mistyped one."""
        from difflib import get_close_matches

        name = args[0] if args else ""
        near = get_close_matches(name, _COMMANDS, 1)
        if near and name not in _COMMANDS:
            ctx.fail(f"no such command '{name}'; did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sipflow")
def cli() -> None:
    """Say in text what a call should do; sipflow does it on the wire and says whether it went as expected.

    \b
    Exit codes: 0 passed, 1 failed, 2 the file is wrong, 3 the machine is wrong,
    4 the load generator could not keep its promises, 130 interrupted.
    """


def main() -> None:
    """Entry point: no traceback reaches a user."""
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except (SipflowError, OSError) as error:
        click.echo(f"sipflow: {error}", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
