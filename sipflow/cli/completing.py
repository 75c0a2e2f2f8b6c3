"""Kinds of command-line values that shells can complete (`sipflow completion`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SCENARIO_ITEM = "sflow"
"""The kind of completion by which our scripts let the shell offer .sflow files and folders."""


class ScenarioPath(click.Path):
    """A path for which a shell offers .sflow files and folders; any other is taken as well."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Leave it to the shell, which knows about quotes, `~` and slashes behind folders."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type=SCENARIO_ITEM)]


SCENARIO = ScenarioPath(readable=False)
"""The name of a scenario file as text; whoever reads it says what is wrong with it."""


class CodeName(click.ParamType[str]):
    """The code of a diagnostic, or any word: whoever takes it decides."""

    name = "code"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """All codes that begin so, with their titles."""
        from click.shell_completion import CompletionItem

        from sipflow.lang.codes import CODES

        wanted = incomplete.upper()
        return [CompletionItem(code, help=row.title) for code, row in CODES.items() if code.startswith(wanted)]
