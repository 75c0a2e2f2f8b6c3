"""What a `require` of a load block speaks of: figures of the whole run, and statistics of what each call has one of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sipflow.ir import load
from sipflow.lsp.completion.suggestion import Kind, Suggestion
from sipflow.lsp.knowledge import KIND_WORDS

_NAMES = dict.fromkeys((*load.TOTALS, *load.DISTRIBUTIONS))


def groups() -> Iterator[Suggestion]:
    """What stands before the first dot."""
    for group in dict.fromkeys(name.partition(".")[0] for name in _NAMES):
        yield Suggestion(group, Kind.Module, "of the load run", snippet=f"{group}.", rank=3, again=True)


def behind(heads: Sequence[str]) -> Iterator[Suggestion]:
    """What may follow words and their dots. `sip.` may have been left out."""
    name = ".".join(heads)
    figure = name if name in load.DISTRIBUTIONS else f"sip.{name}"
    if figure in load.DISTRIBUTIONS:
        kind = KIND_WORDS[load.DISTRIBUTIONS[figure]]
        yield from (Suggestion(statistic, Kind.Property, kind, rank=1) for statistic in load.STATISTICS)
    for known in _NAMES:
        group, _, word = known.partition(".")
        if group == name and known in load.TOTALS:
            yield Suggestion(word, Kind.Property, KIND_WORDS[load.TOTALS[known]], rank=1)
        elif group == name:
            yield Suggestion(word, Kind.Property, "statistics", snippet=f"{word}.", rank=1, again=True)
