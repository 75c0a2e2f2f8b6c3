"""The table of statements is whole: an operation either runs, or is refused before the first packet."""

from __future__ import annotations

import pytest

from sipflow.flow.statements import STATEMENTS
from sipflow.ir import ops
from sipflow.lang import compile_text

WALKERS_OWN: set[type[ops.Op]] = {ops.Recover, ops.End}
REFUSED: dict[type[ops.Op], str] = {
    ops.ExpectAudio: "expect audio",
    ops.ExpectSilence: "expect silence for 1s",
    ops.ExpectTone: "expect tone 440Hz",
    ops.ExpectHeard: 'expect heard "x.wav"',
}


def all_ops() -> set[type[ops.Op]]:
    return {item for item in vars(ops).values() if isinstance(item, type) and issubclass(item, ops.Op) and item.word}


def test_every_operation_runs_or_is_refused() -> None:
    assert set(STATEMENTS) | WALKERS_OWN | set(REFUSED) == all_ops()
    assert not set(STATEMENTS) & set(REFUSED)


@pytest.mark.parametrize("statement", REFUSED.values())
def test_what_does_not_run_yet_is_an_error_and_never_a_green_verdict(statement: str) -> None:
    compiled = compile_text(f"on alice {{ call bob; {statement} }}\non bob {{ answer; expect hangup }}\n")
    assert compiled.graph is None
    assert any(diagnostic.code.startswith("SF2") for diagnostic in compiled.diagnostics), compiled.diagnostics
