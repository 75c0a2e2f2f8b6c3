"""The table of statements is whole: an operation runs, or is the walker's own."""

from __future__ import annotations

from sipflow.flow.statements import STATEMENTS
from sipflow.ir import ops

WALKERS_OWN: set[type[ops.Op]] = {ops.Recover, ops.End}


def all_ops() -> set[type[ops.Op]]:
    return {item for item in vars(ops).values() if isinstance(item, type) and issubclass(item, ops.Op) and item.word}


def test_every_operation_runs() -> None:
    assert set(STATEMENTS) | WALKERS_OWN == all_ops()
