"""Values of a stretch of text before which something was put in or taken out: the same values with other spans."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter, is_
from typing import Any, TypeVar

from sipflow.ir.span import Span
from sipflow.values import dataclass

Moved = TypeVar("Moved")


class ElsewhereError(Exception):
    """A value speaks of a place that does not lie in the stretch, and may have stayed where it was."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a stretch of whole lines has gone."""

    stretch: Span
    """Where it was."""
    lines: int
    characters: int

    def of(self, value: Moved) -> Moved:
        """`value` with every span in it as far on as the stretch; raises `ElsewhereError`."""
        move = _MOVERS[type(value)]
        return value if move is None else move(value, self)


_Mover = Callable[[Any, Move], Any] | None


class _Movers(dict[Any, _Mover]):
    """By type, what moves values of it; None when there is no span in any of them."""

    def __missing__(self, kind: type) -> _Mover:
        mover = self[kind] = _mover_of_fields(kind) if dataclasses.is_dataclass(kind) else None
        return mover


def _moved_span(span: Span, move: Move) -> Span:
    if not span.source:
        return span
    if not move.stretch.covers(span):
        raise ElsewhereError
    lines, characters = move.lines, move.characters
    return Span(
        span.source,
        span.line + lines,
        span.column,
        span.end_line + lines,
        span.end_column,
        span.start + characters,
        span.end + characters,
    )


def _moved_tuple(values: tuple[Any, ...], move: Move) -> tuple[Any, ...]:
    return tuple([move.of(value) for value in values]) if values else values


def _moved_dict(values: dict[Any, Any], move: Move) -> dict[Any, Any]:
    return {key: move.of(value) for key, value in values.items()}


def _mover_of_fields(kind: type) -> Callable[[Any, Move], Any]:
    """Moves all fields, and leaves a value in which nothing moves as it is."""
    names = [field.name for field in dataclasses.fields(kind)]
    if not names:
        return lambda value, move: value
    setters = [getattr(kind, name).__set__ for name in names]
    values_of = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

    def moved(value: Any, move: Move) -> Any:
        before = values_of(value)
        after = [item if (mover := _MOVERS[type(item)]) is None else mover(item, move) for item in before]
        if all(map(is_, before, after)):
            return value
        copy: Any = object.__new__(kind)
        for put, item in zip(setters, after, strict=True):
            put(copy, item)
        return copy

    return moved


_MOVERS = _Movers({Span: _moved_span, tuple: _moved_tuple, dict: _moved_dict})
