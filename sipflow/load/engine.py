"""One worker's part of a load run: the agents, their sockets, the media engine, and the crowd of its calls."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from sipflow.crash import place_of
from sipflow.errors import SipflowError
from sipflow.load.bundles import FOLDER, BundleWriter
from sipflow.load.crowd import Crowd, CrowdConfig, Ended
from sipflow.load.data import PlanMaker
from sipflow.load.machine import MachineSample, sample, use_between
from sipflow.load.messages import Abort, Change, Delta, Finished, FromWorker, Prepare, Ready, Refused, Start, ToWorker
from sipflow.load.meter import Meter
from sipflow.load.plan import striped
from sipflow.media import EngineConfig, KeptAudio, MediaEngine, MediaLibrary, PromptStore
from sipflow.runtime.driver import AgentRefusedError, Driver
from sipflow.runtime.media_desk import Feed, MediaDesk
from sipflow.runtime.output import OutputFolder
from sipflow.runtime.preload import preload
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.runtime.transports.names import Names

REPORT_EVERY_S = 0.25
SAMPLE_EVERY_QUARTERS = 4
"""How often the machine is looked at."""
TICK_S = 0.02
"""How often the event loop's lag is measured."""

Tell = Callable[[FromWorker], None]


class Engine:
    """Runs one stripe of a plan. `take` gets what the run says, `tell` is called with what the worker answers."""

    def __init__(self, prepare: Prepare, tell: Tell) -> None:
        self._prepare = prepare
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._plan = striped(prepare.plan, prepare.stripe, prepare.stripes)
        self._meter = Meter()
        load = prepare.load
        stripes = prepare.stripes
        limit = None if load.concurrency is None else _part(load.concurrency, prepare.stripe, stripes)
        self._crowd = Crowd(
            CrowdConfig(
                plan=self._plan,
                arrivals=load.starts(prepare.stripe, stripes),
                plan_of=PlanMaker(self._plan, prepare.tables),
                concurrency=limit,
                calls=load.calls,
                ended=self._ended,
            ),
            self._meter,
        )
        self._bundles = BundleWriter(prepare.out / FOLDER, prepare.keep_failures, tell)
        self._crowd.keeps_records = self._bundles.wanted
        self._driver: Driver | None = None
        self._desk: MediaDesk | None = None
        self._start_at: asyncio.Future[float] = self._loop.create_future()
        self._counted = (0, 0, 0, 0)
        self._cpu = time.process_time(), time.monotonic()
        self._samples: list[MachineSample] = []

    def take(self, message: ToWorker) -> None:
        """A message of the run."""
        match message:
            case Start(at=at) if not self._start_at.done():
                self._start_at.set_result(at)
            case Change(curve=curve):
                self._crowd.arrivals.change(curve)
                self._pump()
            case Abort(why=why):
                self.abort(why)
            case _:
                pass

    def abort(self, why: str) -> None:
        """Release all calls and end."""
        if not self._start_at.done():
            self._start_at.cancel()
        elif self._driver is not None:
            self._driver.stop(why)

    async def run(self) -> None:
        """From the first socket to the last; the last message is `Finished` or `Refused`."""
        engine, prompts = MediaEngine(EngineConfig(seed=self._plan.seed, measure_floor=True)), PromptStore()
        try:
            await self._run_with(engine, prompts)
        except AgentRefusedError as error:
            self._tell(Refused(str(error), error.agent.name))
        except SipflowError as error:
            self._tell(Refused(str(error)))
        else:
            return
        finally:
            engine.close()
            prompts.close()

    async def _run_with(self, engine: MediaEngine, prompts: PromptStore) -> None:
        library = MediaLibrary(self._prepare.media_folders)
        await preload(self._plan, prompts, library)
        output = OutputFolder(self._prepare.out)
        network = MachineNetwork(Path(self._plan.graph.source).parent, Names(seed=self._plan.seed))

        def make_desk(feed: Feed) -> MediaDesk:
            self._desk = MediaDesk(engine, prompts, library, output, feed)
            self._desk.keeps_audio = self._bundles.wanted
            return self._desk

        driver = self._driver = Driver(
            self._plan,
            engine,
            make_desk,
            self._crowd.take,
            network,
            self._crowd,
        )
        driver.open()
        driver.tell_messages(self._bundles.wanted)
        crashed = ""
        try:
            await self._drive(driver)
        except asyncio.CancelledError:
            crashed = "" if self._start_at.cancelled() else "cancelled"
        except Exception as error:  # a bug: its cause goes to the person who started the run, in a line
            crashed = place_of(error)
        finally:
            self._report(driver)
            driver.close()
            self._flush()
        engine.close()
        timing = engine.statistics()
        use = use_between([*self._samples, sample()])
        note = "; ".join(filter(None, (timing.note, self._bundles.problem)))
        self._tell(Finished(*engine.lateness_counts(), use, timing.realtime, note, crashed))

    async def _drive(self, driver: Driver) -> None:
        running = self._loop.create_task(driver.run())
        reporting: asyncio.Task[None] | None = None
        try:
            await asyncio.sleep(0)
            self._tell(Ready(os.getpid()))
            at = await self._start_at
            self._samples.append(sample())
            self._crowd.begin(at - driver.started_at)
            driver.pump()
            reporting = self._loop.create_task(self._report_often(driver))
            await running
        finally:
            for task in (running, reporting):
                if task is not None:
                    task.cancel()

    # --- telling ---

    async def _report_often(self, driver: Driver) -> None:
        """A tick that measures how late the loop is, and every quarter of a second a delta."""
        due = self._loop.time() + TICK_S
        reported = self._quarter(driver)
        while True:
            await asyncio.sleep(max(due - self._loop.time(), 0))
            lag = self._loop.time() - due
            self._meter.metrics.record("generator.loop_lag", lag * 1000)
            due = max(due + TICK_S, self._loop.time())
            if self._quarter(driver) != reported:
                reported = self._quarter(driver)
                self._report(driver)
                if reported % SAMPLE_EVERY_QUARTERS == 0:
                    self._samples.append(sample())

    def _quarter(self, driver: Driver) -> int:
        return int((driver.now() - self._crowd.origin) / REPORT_EVERY_S)

    def _report(self, driver: Driver) -> None:
        self._count_faults(driver)
        self._flush()

    def _flush(self) -> None:
        if self._driver is None:
            return
        now = self._driver.now() - self._crowd.origin
        second = max(int(now - REPORT_EVERY_S / 2), 0) if now > float("-inf") else 0
        self._tell(Delta(second, self._meter.take(), self._crowd.active, self._used_cpu()))

    def _count_faults(self, driver: Driver) -> None:
        counted = (*driver.retransmissions(), *driver.socket_faults())
        names = "sip/retransmissions_sent", "sip/retransmissions_received", "generator/drops", "generator/send_errors"
        for name, now, before in zip(names, counted, self._counted, strict=True):
            if now > before:
                self._meter.metrics.count(name, now - before)
        self._counted = counted

    def _used_cpu(self) -> float:
        cpu, wall = time.process_time(), time.monotonic()
        (last_cpu, last_wall), self._cpu = self._cpu, (cpu, wall)
        return (cpu - last_cpu) / max(wall - last_wall, 1e-6)

    def _ended(self, ended: Ended) -> None:
        if not ended.passed:
            self._bundles.take(ended, self._kept)
            self._keep(self._bundles.wanted)

    def _kept(self, call: str) -> KeptAudio | None:
        return None if self._desk is None else self._desk.kept(call)

    def _keep(self, wanted: bool) -> None:
        """Messages are told, events and audio kept only as long as a failure would leave a bundle: they cost a sixth of
        what a call does."""
        if self._crowd.keeps_records and not wanted:
            self._crowd.keeps_records = False
            if self._desk is not None:
                self._desk.keeps_audio = False
            if self._driver is not None:
                self._driver.tell_messages(False)

    def _pump(self) -> None:
        if self._driver is not None and self._start_at.done():
            self._driver.pump()


def _part(whole: int, stripe: int, stripes: int) -> int:
    """The stripe's part of a limit; all parts together are the whole."""
    return whole * (stripe + 1) // stripes - whole * stripe // stripes
