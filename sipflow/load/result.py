"""A load run as a value: what was planned, what was done, what was measured, and whether it may be believed."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

from sipflow.load.arrivals import Curve
from sipflow.load.health import Standing, Verdict
from sipflow.load.histogram import Histogram
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics, Timeline
from sipflow.load.thresholds import Judged


class Exit(enum.IntEnum):
    """How `sipflow load` ends."""

    PASSED = 0
    FAILED = 1
    """A requirement is broken or, where none was made, a call failed."""
    FILE = 2
    MACHINE = 3
    INVALID = 4
    """The generator did not keep its promises: nothing can be said of the other side."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What became of a worker."""

    name: str
    pid: int
    planned: int
    started: int
    ended: int
    failed: int
    lost: int
    why_lost: str = ""
    """Empty for one that came to its end."""
    noticed_s: float | None = None
    """How long after the last thing that it told it was given up; it died in between. None for one that did not."""


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """A failed call whose events, messages and measurements were written."""

    number: int
    """Of the planned call, from 1."""
    folder: Path
    why: str


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Everything. `planned = started + not started` and `started = ended + failed + lost`, always."""

    scenario: str
    source: str
    started: str
    """ISO 8601 with offset."""
    version: str
    seed: int
    curve: Curve
    arrivals: str
    duration_s: float
    """From the planned start to the end of the last call."""
    starting_s: float
    """How long new calls began."""
    timeline: Timeline
    workers: tuple[WorkerReport, ...]
    lateness: Histogram
    """Of every media packet."""
    floor: Histogram
    machine: MachineUse
    verdict: Verdict
    requirements: tuple[Judged, ...]
    failures: tuple[KeptFailure, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    problem: str = ""
    """Why nothing could be run, empty when it could."""
    steps: dict[str, tuple[str, int]] = field(default_factory=dict)
    """(text, line) of every node of the graph."""

    @property
    def total(self) -> Metrics:
        """Of the whole run."""
        return self.timeline.total

    @property
    def lost(self) -> int:
        """Calls that began and of which nothing more was heard."""
        return self.total.get("started") - self.total.get("ended") - self.total.get("failed")

    @property
    def achieved_rate(self) -> float | None:
        """Calls a second that began, while calls were to begin."""
        return self.total.get("started") / self.starting_s if self.starting_s > 0 else None

    @property
    def planned_rate(self) -> float | None:
        """Calls a second that should have begun."""
        return self.total.get("planned") / self.starting_s if self.starting_s > 0 else None

    @property
    def exit_code(self) -> Exit:
        """INVALID comes before everything that was measured."""
        if self.problem:
            return Exit.MACHINE
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.verdict.standing is Standing.INVALID:
            return Exit.INVALID
        if self.requirements:
            return Exit.PASSED if all(one.holds for one in self.requirements) else Exit.FAILED
        bad = self.total.get("failed") + self.total.get("not_started") + self.lost
        return Exit.FAILED if bad or not self.total.get("ended") else Exit.PASSED
