"""`sipflow load --find-max`: trials at the rates that a search wants, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from sipflow.load.capacity import Outcome, Search
from sipflow.load.health import Standing
from sipflow.load.report.as_json import search_to_json
from sipflow.load.result import Exit, LoadResult
from sipflow.report.console import coloured_verdict

TRIAL_S = 10.0


def find_max(search: Search, run_at: Callable[[float], LoadResult], console: Console) -> int:
    """Search until there is an answer; exit code 0 with one, 4 when the generator was INVALID, 1 when nothing or
    everything held. A run that was interrupted, or that the machine could not carry out, ends it with its own code."""
    while (rate := search.next_rate()) is not None:
        result = run_at(rate)
        if result.interrupted or result.problem:
            console.print(coloured_verdict(f"ERROR  {result.problem or 'interrupted'}"), soft_wrap=True)
            return int(result.exit_code)
        outcome, detail = _outcome(result)
        search.take(rate, outcome, detail)
        console.print(f"{rate:10.2f}/s  {outcome.value:8} {escape(detail)}", soft_wrap=True)
    return _tell(search, console)


def write_search(search: Search, condition: str, path: Path) -> None:
    """Write what a search found as JSON."""
    text = json.dumps(search_to_json(search, condition), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _outcome(result: LoadResult) -> tuple[Outcome, str]:
    if result.exit_code is Exit.INVALID:
        return Outcome.INVALID, result.verdict.causes[0].text
    broken = [one for one in result.requirements if not one.holds]
    found = ", ".join(one.found for one in broken or result.requirements)
    if broken and result.verdict.standing is Standing.DEGRADED:
        return Outcome.DOUBTFUL, f"{found}; the generator was DEGRADED ({result.verdict.causes[0].name})"
    return (Outcome.BROKEN if broken else Outcome.HELD), found


def _tell(search: Search, console: Console) -> int:
    found = search.answer()
    if found.refused:
        word, code = ("INVALID", Exit.INVALID) if found.invalid else ("FAILED", Exit.FAILED)
        console.print(coloured_verdict(f"{word}  no answer: {found.refused}"), soft_wrap=True)
        return int(code)
    text = f"PASSED  the highest rate that holds lies from {found.least:.2f}/s to {found.most:.2f}/s"
    console.print(coloured_verdict(f"{text} ({len(search.trials)} trials)"), soft_wrap=True)
    return int(Exit.PASSED)
