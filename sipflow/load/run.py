"""A load run from its first worker to its last: starts them, adds up what they tell, sees those that die."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sipflow import __version__
from sipflow.load import histogram, machine
from sipflow.load.arrivals import Curve
from sipflow.load.health import Evidence, judge
from sipflow.load.histogram import Histogram
from sipflow.load.links import Link
from sipflow.load.messages import (
    Abort,
    Change,
    Delta,
    FailureKept,
    Finished,
    FromWorker,
    Prepare,
    Ready,
    Refused,
    Start,
)
from sipflow.load.metrics import Metrics, Timeline
from sipflow.load.result import KeptFailure, LoadResult, WorkerReport
from sipflow.load.roles import begins_by_itself
from sipflow.load.thresholds import judge_all

START_AHEAD_S = 0.2
"""From the moment at which all workers are ready to the start of the plan: longer than any message takes."""
CHANGE_AHEAD_S = 0.3
"""A change of the rate is told so long before it happens, so that all workers make it at the same moment."""
SAMPLE_EVERY_S = 1.0
TICK_S = 0.25


@dataclass(slots=True)
class _Worker:
    """One worker as the run sees it."""

    link: Link
    stripe: int
    pid: int = 0
    ready: bool = False
    done: bool = False
    why_lost: str = ""
    metrics: Metrics = field(default_factory=Metrics)
    active: int = 0
    cpu: float = 0.0
    heard_at: float = math.inf
    """When it last told something."""
    lost_at: float = math.inf


@dataclass(frozen=True, slots=True)
class Status:
    """A run as it stands, for whoever shows it."""

    elapsed_s: float
    """Since the plan began; negative before."""
    timeline: Timeline
    active: int
    target_rate: float
    paused: bool
    stopping: bool
    curve: Curve
    workers: int
    cpu: float
    """Cores that the workers use."""
    lost_workers: tuple[str, ...]
    machine: machine.MachineUse


class LoadRun:
    """Runs a plan once, on workers that somebody else made. All methods are for the loop's thread."""

    def __init__(
        self,
        prepare: Prepare,
        links: Sequence[Link],
        *,
        on_tick: Callable[[Status], None] | None = None,
        start_ahead_s: float = START_AHEAD_S,
        notes: Sequence[str] = (),
    ) -> None:
        """`start_ahead_s` has to be longer than any message takes to a worker; `notes` go into the result."""
        self._prepare = prepare
        self._workers = [_Worker(link, stripe) for stripe, link in enumerate(links)]
        self._on_tick = on_tick or (lambda status: None)
        self._curve = prepare.load.curve
        self._factor_paused = False
        self._timeline = Timeline()
        self._lateness, self._floor = Histogram(), Histogram()
        self._failures: list[KeptFailure] = []
        self._notes = list(notes)
        self._start_ahead_s = start_ahead_s
        self._uses: list[machine.MachineUse] = []
        self._problem = ""
        self._interrupted = False
        self._stopping = False
        self._start_at = math.inf
        self._ended_at = math.inf
        self._samples: list[machine.MachineSample] = []
        self._changed = asyncio.Event()

    # --- the run ---

    async def run(self) -> LoadResult:
        """Run to the end; what is wrong with machine or workers is in the result."""
        began = datetime.now().astimezone().isoformat(timespec="milliseconds")
        try:
            self._open()
            await self._until(lambda: all(w.ready or w.done for w in self._workers))
            if not self._problem and not self._interrupted:
                self._begin()
                await self._until_done()
        except asyncio.CancelledError:
            self._interrupted = True
            raise
        finally:
            self._ended_at = time.monotonic()
            for worker in self._workers:
                if self._problem or self._interrupted:
                    worker.link.send(Abort("the load run ended"))
                worker.link.close()
        return self._result(began)

    def _open(self) -> None:
        for worker in self._workers:
            worker.link.open(lambda m, w=worker: self._told(w, m), lambda why, w=worker: self._lost(w, why))  # type: ignore[misc]
            worker.link.send(replace(self._prepare, stripe=worker.stripe, stripes=len(self._workers)))

    def _begin(self) -> None:
        self._start_at = time.monotonic() + self._start_ahead_s
        self._samples.append(machine.sample())
        for worker in self._workers:
            worker.link.send(Start(self._start_at))

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._changed.clear()
            await self._changed.wait()

    async def _until_done(self) -> None:
        sampled = time.monotonic()
        while not all(worker.done for worker in self._workers):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), TICK_S)
            if time.monotonic() - sampled >= SAMPLE_EVERY_S:
                sampled = time.monotonic()
                self._samples.append(machine.sample())
            self._on_tick(self.status())
        self._samples.append(machine.sample())

    # --- what people change while it runs ---

    @property
    def paced(self) -> bool:
        """Whether calls begin at a rate of ours, which can be changed and paused; else others make them."""
        return begins_by_itself(self._prepare.plan.graph)

    def scale(self, factor: float) -> None:
        """Multiply the rate of new calls from now on."""
        self._change(lambda curve, at: curve.scaled(at, factor))

    def set_rate(self, rate: float) -> None:
        """A rate of new calls in the place of what the plan has left."""
        self._change(lambda curve, at: curve.held(at, rate))

    def pause(self) -> None:
        """Begin no calls until `resume`; what was planned waits."""
        if not self._factor_paused:
            self._factor_paused = True
            self._change(lambda curve, at: curve.paused(at))

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        if self._factor_paused:
            self._factor_paused = False
            self._change(lambda curve, at: curve.resumed(at))

    def stop(self) -> None:
        """Begin no more calls, wait for those that run; a second time: release them all."""
        if self._stopping or self._start_at == math.inf:
            self._interrupted = True
            for worker in self._workers:
                worker.link.send(Abort("stopped"))
            self._changed.set()
            return
        self._stopping = True
        self._change(lambda curve, at: curve.ended(at))

    def interrupt(self) -> None:
        """Ctrl-C: stop, and say so; a second time releases all calls."""
        self.stop()
        self._interrupted = True

    def target_rate(self) -> float:
        """The planned rate now; 0 before the plan begins."""
        return 0.0 if self._start_at == math.inf else self._curve.rate_at(max(self._elapsed(), 0.0))

    def _change(self, how: Callable[[Curve, float], Curve]) -> None:
        curve = how(self._curve, max(self._elapsed() + CHANGE_AHEAD_S, 0.0))
        load = self._prepare.load
        self._curve = curve.reaching(load.curve.mass) if load.until_calls and not self._stopping else curve
        for worker in self._workers:
            worker.link.send(Change(self._curve))

    def status(self) -> Status:
        """As it stands."""
        alive = [worker for worker in self._workers if not worker.done]
        return Status(
            elapsed_s=self._elapsed(),
            timeline=self._timeline,
            active=sum(worker.active for worker in alive),
            target_rate=self.target_rate(),
            paused=self._factor_paused,
            stopping=self._stopping,
            curve=self._curve,
            workers=len(alive),
            cpu=sum(worker.cpu for worker in alive),
            lost_workers=self._lost_workers(),
            machine=machine.use_between(self._samples),
        )

    def _elapsed(self) -> float:
        return -1.0 if self._start_at == math.inf else time.monotonic() - self._start_at

    # --- what workers say ---

    def _told(self, worker: _Worker, message: FromWorker) -> None:
        worker.heard_at = time.monotonic()
        match message:
            case Delta():
                worker.metrics.add(message.metrics)
                worker.active, worker.cpu = message.active, message.cpu
                self._timeline.add(message.second, message.metrics)
            case Ready(pid=pid):
                worker.ready, worker.pid = True, pid
            case Refused():
                agent = f"agent {message.agent}: " if message.agent else ""
                self._problem = self._problem or f"{agent}{message.message}"
                worker.done = True
            case FailureKept():
                self._failures.append(KeptFailure(message.number + 1, message.folder, message.why))
            case Finished():
                self._finished(worker, message)
        self._changed.set()

    def _finished(self, worker: _Worker, message: Finished) -> None:
        worker.done, worker.active = True, 0
        self._lateness.merge(histogram.of_counts(message.lateness))
        self._floor.merge(histogram.of_counts(message.floor))
        self._uses.append(message.machine)
        if message.note and message.note not in self._notes:
            self._notes.append(message.note)
        if message.crashed:
            worker.why_lost = f"a bug ended it: {message.crashed}"

    def _lost(self, worker: _Worker, why: str) -> None:
        """Its process is gone. That is fine after its last word; before, its calls are lost, and nobody runs them."""
        if not worker.done:
            worker.done, worker.active, worker.why_lost = True, 0, why
            worker.lost_at = time.monotonic()
            if self._start_at == math.inf:
                self._problem = self._problem or f"{worker.link.name} did not come up: {why}"
        self._changed.set()

    def _lost_workers(self) -> tuple[str, ...]:
        return tuple(f"{worker.link.name}: {worker.why_lost}" for worker in self._workers if worker.why_lost)

    # --- the result ---

    def _result(self, began: str) -> LoadResult:
        self._account_for_the_lost()
        plan, load = self._prepare.plan, self._prepare.load
        elapsed = max(self._ended_at - self._start_at, 0.0) if self._start_at < math.inf else 0.0
        starting = min(elapsed, self._starting_s())
        use = machine.worst([*self._uses, machine.use_between(self._samples)])
        total = self._timeline.total
        evidence = Evidence(total, self._lateness, self._floor, use, self._lost_workers(), _memory())
        return LoadResult(
            scenario=plan.graph.scenario.name,
            source=plan.graph.source,
            started=began,
            version=__version__,
            seed=load.seed,
            curve=self._curve,
            arrivals=load.arrivals,
            duration_s=elapsed,
            starting_s=starting,
            timeline=self._timeline,
            workers=tuple(map(_report_of, self._workers)),
            lateness=self._lateness,
            floor=self._floor,
            machine=use,
            verdict=judge(evidence),
            requirements=judge_all(load.requirements, plan, total, starting),
            failures=tuple(self._failures),
            notes=tuple(self._notes),
            interrupted=self._interrupted,
            problem=self._problem,
            steps={node.id: (plan.redactor.told(node.text), node.span.line) for node in plan.graph.nodes},
        )

    def _starting_s(self) -> float:
        """How long calls were to begin: the curve's length, or until the last of a number of calls."""
        load = self._prepare.load
        if load.calls is None:
            return self._curve.duration_s
        last = self._curve.time_of(float(load.calls))
        return self._curve.duration_s if last is None else min(last, self._curve.duration_s)

    def _account_for_the_lost(self) -> None:
        """Calls of a dead worker's stripe of which it said nothing were planned, and did not begin as far as anybody
        can know: what it started in its last quarter of a second is among them."""
        for worker in self._workers:
            if worker.why_lost and self._start_at < math.inf:
                arrivals = replace(self._prepare.load, curve=self._curve).starts(worker.stripe, len(self._workers))
                planned = 0
                while arrivals.peek() is not None and arrivals.peek() != (-1, math.inf):
                    planned += 1
                    arrivals.take()
                missing = Metrics()
                for name in ("planned", "not_started", "not_started/their worker died"):
                    missing.count(name, max(planned - worker.metrics.get("planned"), 0))
                worker.metrics.add(missing)
                self._timeline.total.add(missing)


def _report_of(worker: _Worker) -> WorkerReport:
    planned, started, ended, failed = (worker.metrics.get(name) for name in ("planned", "started", "ended", "failed"))
    lost = started - ended - failed
    noticed_s = round(worker.lost_at - worker.heard_at, 3) if worker.lost_at < math.inf > worker.heard_at else None
    return WorkerReport(worker.link.name, worker.pid, planned, started, ended, failed, lost, worker.why_lost, noticed_s)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
