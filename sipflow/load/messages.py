"""What a load run and its workers tell each other: the whole interface between them, whatever carries it.

Here it is a pair of sockets to a child process (`channel`); a cluster carries the same values between machines. Times
are seconds of the monotonic clock of the receiving machine; within one machine that is one clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sipflow.load.arrivals import Curve
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics
from sipflow.load.plan import LoadPlan
from sipflow.plan.plan import Plan
from sipflow.tables import Rows

# --- to a worker ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepare:
    """First message: everything that a worker needs. It opens its sockets and answers `Ready` or `Refused`."""

    plan: Plan
    load: LoadPlan
    stripe: int
    stripes: int
    tables: tuple[tuple[str, str, Rows], ...] = ()
    """(name, order, rows) of each table."""
    media_folders: tuple[Path, ...] = ()
    out: Path = Path("sipflow-out")
    keep_failures: int = 10
    """How many failed calls leave a bundle."""


@dataclass(frozen=True, slots=True)
class Start:
    """The plan begins then: all workers at the same instant."""

    at: float


@dataclass(frozen=True, slots=True)
class Change:
    """Another curve, the same one until a moment that lies ahead: a rate changed, a pause, a stop."""

    curve: Curve


@dataclass(frozen=True, slots=True)
class Abort:
    """Release all calls and end."""

    why: str


ToWorker = Prepare | Start | Change | Abort


# --- from a worker -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """Sockets are open, prompts are encoded."""

    pid: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The machine does not grant what the worker needs; it ends."""

    message: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """What was counted since the last one; four a second."""

    second: int
    """Of the plan."""
    metrics: Metrics
    active: int
    """Calls that began and are not over."""
    cpu: float
    """Share of one core that the worker used, 0-1 and more with native threads."""


@dataclass(frozen=True, slots=True)
class FailureKept:
    """A failed call left a bundle."""

    number: int
    folder: Path
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Last message: all calls are over, everything is given back."""

    lateness: dict[int, int] = field(default_factory=dict)
    """Of every media packet: counts by bucket of `sipflow.load.histogram`."""
    floor: dict[int, int] = field(default_factory=dict)
    """Of a timer thread that does nothing else."""
    machine: MachineUse = field(default_factory=MachineUse)
    """Of the machine that it ran on."""
    realtime: bool = True
    note: str = ""
    crashed: str = ""
    """What a bug said, empty without one."""


FromWorker = Ready | Refused | Delta | FailureKept | Finished
