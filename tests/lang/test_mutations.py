"""One mistake at a time in every scenario: each token is left out, misspelt, and swapped with the next one.

What comes of it is a diagnostic on the right line, or a program that is really valid. Those are listed in a golden
file, so that a person has looked at each.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipflow.assets import Assets, media_folders
from sipflow.ir.span import Span
from sipflow.lang import Source, compile_text
from sipflow.lang.diagnostics import Diagnostic, Reporter
from sipflow.lang.scanner import RawToken, scan
from sipflow.lang.tables import END
from tests.conftest import Golden

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").rglob("*.sflow"))
VALID = Path(__file__).parent / "golden_mutants"
MOST_FOR_ONE_MISTAKE = 5
WRONG_KIND = "SF208"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A scenario with one mistake."""

    what: str
    """For a person: `12 delete play`."""
    text: str
    lines: range
    """Lines on which a diagnostic points at the mistake: those of the token and of its neighbours."""
    part: range
    """Lines of the part of the file (lane, agent, definition) that the token stands in."""


def tokens_of(text: str) -> list[RawToken]:
    found = scan(text, Reporter(Source("", text))).tokens
    return [token for token in found if token.kind not in ("NL", END)]


def misspelt(word: str) -> str:
    """A letter more in the middle; a string keeps its quotes."""
    middle = max(1, len(word) // 2)
    letter = word[middle] if middle < len(word) and word[middle].isalnum() else "x"
    return word[:middle] + letter + word[middle:]


def mutants(text: str) -> Iterator[Mutant]:
    tokens = tokens_of(text)
    ends = text.count("\n") + 1
    starts = [*(n for n, line in enumerate(text.splitlines(), 1) if line[:1].isalpha()), ends + 1]

    def line(index: int) -> int:
        """Line of a token; behind the last one the end of the file."""
        return ends if index >= len(tokens) else text.count("\n", 0, tokens[max(index, 0)].start) + 1

    def part(index: int) -> range:
        first = max(n for n in starts if n <= line(index))
        return range(first, min(n for n in starts if n > first))

    for index, token in enumerate(tokens):
        start, end = token.start, token.start + len(token.text)
        lines = range(line(index - 1), line(index + 1) + 1)
        yield Mutant(f"{line(index)} delete {token.text}", text[:start] + text[end:], lines, part(index))
        wrong = text[:start] + misspelt(token.text) + text[end:]
        yield Mutant(f"{line(index)} misspell {token.text}", wrong, lines, part(index))
        if index + 1 < len(tokens):
            after = tokens[index + 1]
            last = after.start + len(after.text)
            swapped = text[:start] + after.text + text[end : after.start] + token.text + text[last:]
            lines = range(lines.start, line(index + 2) + 1)
            yield Mutant(f"{line(index)} swap {token.text} {after.text}", swapped, lines, part(index))


def places(diagnostic: Diagnostic) -> list[Span]:
    return [diagnostic.span, *(label.span for label in diagnostic.secondary)]


def points_at(diagnostic: Diagnostic, mutant: Mutant) -> bool:
    """What is missing from a lane (SF3xx) has no line: the lane that it is missing from is named, or a place in it.

    A brace is missing somewhere between the places that are shown. What a variable is worth shows where it is used.
    """
    shown = [line for span in places(diagnostic) for line in (span.line, span.end_line)]
    shown += [int(number) for number in re.findall(r"at line (\d+)", diagnostic.help)]
    if diagnostic.code.startswith("SF3"):
        return any(line in mutant.part for line in shown)
    if diagnostic.code == WRONG_KIND:
        return True
    if diagnostic.code == "SF112":
        return min(shown) <= mutant.lines.stop - 1 and max(shown) >= mutant.lines.start
    return any(line in mutant.lines for line in shown)


def outcomes(path: Path) -> list[tuple[Mutant, tuple[Diagnostic, ...]]]:
    text = path.read_text(encoding="utf-8")
    files = Assets(media_folders(path.parent, None))
    return [
        (mutant, compile_text(mutant.text, str(path), files=files).diagnostics)
        for mutant in mutants(text)
        if mutant.text != text
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "scenarios").with_suffix("").as_posix().replace("/", "-")


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_every_mistake_is_told_once_where_it_is(path: Path, golden: Golden) -> None:
    """One test of three things: compiling hundreds of mutants is what costs, and each worker would do it anew."""
    outcome = outcomes(path)
    beside = [
        (mutant.what, [(found.code, found.span.line, found.message) for found in diagnostics])
        for mutant, diagnostics in outcome
        if diagnostics and not any(points_at(found, mutant) for found in diagnostics)
    ]
    assert beside == [], "a diagnostic points at the mistake"
    numbers = [len(diagnostics) for _, diagnostics in outcome if diagnostics]
    assert max(numbers) <= MOST_FOR_ONE_MISTAKE
    assert statistics.median(numbers) == 1, "one mistake is not many"
    valid = [mutant.what.replace("\n", "\\n") for mutant, diagnostics in outcome if not diagnostics]
    golden.check(VALID / f"{name_of(path)}.txt", "\n".join(valid) + "\n")
