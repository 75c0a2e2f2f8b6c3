"""`sipflow check`: what is wrong with scenarios, before a packet is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sipflow.assets import Assets, media_folders
from sipflow.lang import CompileResult, Severity, compile_text
from sipflow.lang.diagnostics import diagnostic_to_json
from sipflow.lang.rendering import render_one
from sipflow.lang.source import MAX_SOURCE_CHARACTERS

STDIN = "-"
_MAX_BYTES = 4 * MAX_SOURCE_CHARACTERS + 1
"""Enough to see that a text is too long, whatever its characters are."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR|-…")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--media-dir", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="Where audio files are looked for, after the scenario's own folder.")  # fmt: skip
def check(paths: tuple[str, ...], form: str, media_dir: Path | None) -> None:
    """Say what is wrong with scenarios: all mistakes at once, each with its place and, where there is one, a fix.

    A folder stands for all .sflow files in and below it, - for standard input. Exit code 0 when no file has an error
    (warnings may be there), 2 otherwise.
    """
    results = [(name, compile_file(name, media_dir)) for path in paths for name in _expand(path)]
    if form == "json":
        click.echo(json.dumps(_to_json(results), indent=2))
    else:
        _print(results)
    sys.exit(2 if _count(results, Severity.ERROR) else 0)


def compile_file(name: str, media_dir: Path | None = None) -> CompileResult:
    """What became of a file (`-`: standard input); a usage error of the command when it cannot be read."""
    source, folder = ("<stdin>", None) if name == STDIN else (name, Path(name).parent)
    return compile_text(read_text(name), source, files=Assets(media_folders(folder, media_dir)))


def read_text(name: str) -> str:
    """The text of a file; bytes that are not UTF-8 become lone surrogates, which the language reports."""
    try:
        with sys.stdin.buffer if name == STDIN else Path(name).open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise click.UsageError(f"cannot read {name}: {reason}") from error


def _expand(path: str) -> Iterator[str]:
    if path == STDIN or not Path(path).is_dir():
        yield path
        return
    found = sorted(str(file) for file in Path(path).rglob("*.sflow"))
    if not found:
        raise click.UsageError(f"there is no .sflow file in {path}")
    yield from found


def _print(results: list[tuple[str, CompileResult]]) -> None:
    for _, result in results:
        for diagnostic in result.diagnostics:
            click.echo(render_one(diagnostic, result.source))
    click.echo(summary(results))


def summary(results: list[tuple[str, CompileResult]]) -> str:
    """The last line of the command."""
    files = _plural(len(results), "file")
    errors, warnings = _count(results, Severity.ERROR), _count(results, Severity.WARNING)
    found = [_plural(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{files} checked: {', '.join(found) or 'nothing wrong'}"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _count(results: list[tuple[str, CompileResult]], severity: Severity) -> int:
    return sum(d.severity is severity for _, result in results for d in result.diagnostics)


def _to_json(results: list[tuple[str, CompileResult]]) -> dict[str, Any]:
    return {
        "version": 1,
        "errors": _count(results, Severity.ERROR),
        "warnings": _count(results, Severity.WARNING),
        "files": [
            {"path": name, "diagnostics": [diagnostic_to_json(diagnostic) for diagnostic in result.diagnostics]}
            for name, result in results
        ],
    }
