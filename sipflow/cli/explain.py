"""`sipflow explain`: what a diagnostic means, why it matters, what to write instead."""

from __future__ import annotations

import difflib
import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import click

from sipflow.cli.completing import CodeName
from sipflow.cli.formats.as_text import colour_flag, coloured
from sipflow.cli.formats.plain import json_text
from sipflow.lang.codes import CODES, FAMILIES, OF_LOADS, OF_RUNS, Code

MAX_COLUMNS = 100
_CODE = re.compile(r"(?:SF)?(\d{3})", re.IGNORECASE)


@click.command(short_help="Explain a diagnostic: what it means, what to write.")
@click.argument("wanted", nargs=-1, type=CodeName(), metavar="[CODE|WORD]…")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True,
              help="text for people, json for programs.")  # fmt: skip
def explain(wanted: tuple[str, ...], form: str) -> None:
    """Explain diagnostics: what they mean, why they matter, an example with what is said about it, and what to write
    instead.

    CODE is the code in square brackets; SF203, sf203 and 203 are the same. WORD finds the codes that have it in their
    title or explanation: codec, unit, signal. Without an argument all codes are listed.

    \b
    Exit codes:
      0  explained
      2  nothing is known of one of them; near ones are named

    \b
    Examples:
      sipflow explain SF203
      sipflow explain 203 207
      sipflow explain codec
    """
    if not wanted:
        click.echo(_as_json(CODES.values()) if form == "json" else _table(list(CODES.values())), nl=False)
        return
    found = [_find(word) for word in wanted]
    codes = list({code.code: code for codes in found for code in codes}.values())
    several_by_word = len(codes) > 1 and not all(_CODE.fullmatch(word) for word in wanted)
    if form == "json":
        click.echo(_as_json(codes), nl=False)
    elif several_by_word:
        click.echo(_table(codes), nl=False)
    else:
        click.echo("\n".join(explanation(code) for code in codes), nl=False, color=colour_flag())


def _find(word: str) -> list[Code]:
    """The codes that are meant; raises `click.UsageError` with the nearest ones when there is none."""
    if match := _CODE.fullmatch(word):
        name = f"SF{match[1]}"
        if name in CODES:
            return [CODES[name]]
        near = ", ".join(difflib.get_close_matches(name, CODES, n=3, cutoff=0.5))
        raise click.UsageError(f"there is no code {name}; near it are {near}")
    lowered = word.lower()
    titled = [code for code in CODES.values() if lowered in code.title.lower()]
    found = titled or [code for code in CODES.values() if lowered in code.explanation.lower()]
    if not found:
        raise click.UsageError(f"no code is about {word!r}; {_question(lowered)}`sipflow explain` lists all")
    return found


def _question(word: str) -> str:
    words = {known for code in CODES.values() for known in re.findall(r"[a-z]{4,}", code.title.lower())}
    near = difflib.get_close_matches(word, sorted(words), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _table(codes: Sequence[Code]) -> str:
    """A line for each code, by family."""
    lines: list[str] = []
    for family, title in FAMILIES.items():
        rows = [code for code in codes if code.code.startswith(family)]
        if rows:
            lines += ["", f"{title} ({family}xx)"] if lines else [f"{title} ({family}xx)"]
            lines += [f"  {code.code}  {code.title}" for code in rows]
    return "\n".join(lines) + "\n"


def explanation(code: Code) -> str:
    """All about one code, as people read it."""
    parts = [click.style(f"{code.code}: {code.title}", bold=True), _paragraph(code.explanation)]
    if code.why:
        parts.append(_paragraph(code.why))
    if code.example:
        parts += [_titled("For example:"), _indented(code.example)]
        said = _says(code)
        parts += [_titled(said), _indented(coloured(rendered_example(code)))]
    if code.instead:
        parts += [_titled("Instead:"), _indented(code.instead)]
    return "\n\n".join(parts) + "\n"


def _says(code: Code) -> str:
    if code.code in OF_LOADS:
        return "sipflow load may say:"
    return "When it runs:" if code.code in OF_RUNS else "sipflow check says:"


def rendered_example(code: Code) -> str:
    """What is said about the example of a code: found out now, except for codes of runs."""
    if code.code in OF_RUNS | OF_LOADS or not code.example:
        return code.shown
    from sipflow.lang import compile_text
    from sipflow.lang.codes.example_files import ExampleFiles

    result = compile_text(code.example, "example.sflow", files=ExampleFiles())
    said = [result.render(diagnostic) for diagnostic in result.diagnostics if diagnostic.code == code.code]
    return "\n".join(said)


def _titled(text: str) -> str:
    return click.style(text, bold=True)


def _paragraph(text: str) -> str:
    columns = min(shutil.get_terminal_size((MAX_COLUMNS, 24)).columns, MAX_COLUMNS)
    return textwrap.fill(text, columns, break_long_words=False, break_on_hyphens=False)


def _indented(text: str) -> str:
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return textwrap.indent(shown.rstrip(), "    ")


def _as_json(codes: Any) -> str:
    return json_text({"version": 1, "codes": [_entry(code) for code in codes]})


def _entry(code: Code) -> dict[str, Any]:
    return {
        "code": code.code,
        "family": FAMILIES[code.code[:3]],
        "title": code.title,
        "explanation": code.explanation,
        "why": code.why,
        "example": code.example,
        "diagnostic": rendered_example(code),
        "instead": code.instead,
    }
