"""How statements and lanes end."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.ir.graph import Lane, Node

NOT_MET = "SF501"
"""An event that was expected did not come, or another came in its place."""
COMMAND_FAILED = "SF502"
"""A command was refused, or could not be carried out."""
CHECK_FALSE = "SF503"
"""A condition is false."""
NOTHING_TO_JUDGE = "SF504"
"""An expression has no value, so the statement cannot be judged."""
RUN_STOPPED = "SF505"
"""The run was stopped before the statement was done: its time limit, an interrupt."""
ENVIRONMENT = "SF506"
"""The machine does not grant what the statement needs."""

UNPROTECTED = "SF507"
"""Media that has to be protected is not: keys do not fit, or were never agreed on."""


@dataclass(frozen=True, slots=True)
class Success:
    """A statement left by its success edge."""

    detail: str = ""
    """What came, for a person; empty when there is nothing to add to the statement."""
    arm: int | None = None
    """Which of `Node.arms` is the way on from a branching node; None for all others."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement left by its failure edge."""

    expected: str
    got: str
    code: str = NOT_MET


Outcome = Success | Failure


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """A failure with the place and time where it happened."""

    node: Node
    failure: Failure
    time: float
    """Seconds since the run started."""
    call: str = ""
    """Call id, empty when the statement had none."""


@dataclass(frozen=True, slots=True)
class LaneResult:
    """What became of a lane."""

    lane: Lane
    passed: bool
    failure: NodeFailure | None = None
    """The failure that decided, None for a lane that passed."""
    also: tuple[NodeFailure, ...] = ()
    """Failures inside the `else` of `failure`."""
    recovered: tuple[NodeFailure, ...] = ()
    """Failures that were provided for."""
    statements: int = 0
    """How many statements succeeded."""
