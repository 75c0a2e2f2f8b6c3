"""Where a graph says `secret`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from sipflow.ir.expr import Secret
from sipflow.ir.span import Span


def secrets_in(part: Any) -> Iterator[Secret]:
    """Every `secret E` in a part of a graph, or a tuple of parts; those inside of others first."""
    if isinstance(part, tuple):
        for item in part:
            yield from secrets_in(item)
    elif dataclasses.is_dataclass(part) and not isinstance(part, Span):
        for field in dataclasses.fields(part):
            yield from secrets_in(getattr(part, field.name))
    if isinstance(part, Secret):
        yield part
