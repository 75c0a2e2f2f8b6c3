"""One run of one plan from the first socket to the last, with everything given back however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sipflow import __version__, events
from sipflow.errors import SipflowError
from sipflow.events import Payload, Record
from sipflow.flow.outcome import ENVIRONMENT, LaneResult
from sipflow.media import MediaLibrary, PromptStore
from sipflow.plan.plan import Plan
from sipflow.runtime.driver import AgentRefusedError, Driver
from sipflow.runtime.media_desk import MediaDesk
from sipflow.runtime.output import OutputFolder
from sipflow.runtime.preload import preload
from sipflow.runtime.world import MachineWorld, World

EXIT_PASSED, EXIT_FAILED, EXIT_DIAGNOSTICS, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

_VERDICTS = {
    EXIT_PASSED: "passed",
    EXIT_FAILED: "failed",
    EXIT_DIAGNOSTICS: "error",
    EXIT_ENVIRONMENT: "error",
    EXIT_INTERRUPTED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How to run a plan, beside what the plan says."""

    media_folders: Sequence[Path] = ()
    """Where media is looked for, in this order."""
    out: Path = Path("sipflow-out")
    """Output folder for recordings."""
    handle_signals: bool = False
    """Whether SIGINT and SIGTERM end the run cleanly; only a command line owns the signals of its process."""
    afterwards: Callable[[Driver], Awaitable[None]] | None = None
    """Awaited when all lanes are over, before anything is given back."""


class Runner:
    """Runs a plan once; `publish` gets every record in order, RunStarted first and RunFinished last."""

    def __init__(
        self, plan: Plan, settings: RunSettings, publish: Callable[[Record], None], world: World | None = None
    ) -> None:
        self._plan = plan
        self._world = world or MachineWorld()
        self._settings = settings
        self._publish = publish
        self._interrupted = False
        self._problem = ""
        self._results: tuple[LaneResult, ...] = ()
        self._last = 0.0

    async def run(self) -> int:
        """Run; gives the exit code. Machine faults are part of the report; only bugs are raised."""
        self._note(events.RunStarted(
            self._plan.graph.scenario.name, self._plan.graph.source,
            self._world.wallclock().isoformat(timespec="milliseconds"), __version__, self._plan.seed,
            rows=dict(self._plan.row_numbers), virtual=self._plan.network is not None,
            network=str(self._plan.network or ""),
        ))  # fmt: skip
        try:
            await self._run_with_engine()
        except AgentRefusedError as error:
            self._refuse(error)
        except SipflowError as error:
            self._problem = str(error)
            self._note(events.Logged(self._problem, "error"))
        return self._finish()

    def _refuse(self, error: AgentRefusedError) -> None:
        """Point at the line that asks for what cannot be had."""
        self._problem = str(error)
        span = error.agent.listen.span if error.agent.listen.span.line else error.agent.span
        refused = events.AgentRefused(ENVIRONMENT, self._problem, span.column, span.end_column, span.source)
        self._publish(Record(self._last, error.agent.name, "", "", span.line, refused))

    async def _run_with_engine(self) -> None:
        engine = self._world.engine(self._plan)
        prompts = PromptStore(ahead=engine.config.simulation is None)
        library = MediaLibrary(self._settings.media_folders)
        output = OutputFolder(self._settings.out, self._world.wallclock)
        try:
            await preload(self._plan, prompts, library)
            driver = Driver(
                self._plan, engine, lambda feed: MediaDesk(engine, prompts, library, output, feed), self._pass_on,
                self._world.network(self._plan),
            )  # fmt: skip
            await self._drive(driver)
        finally:
            engine.close()
            prompts.close()
            for payload in engine.drain():
                self._note(payload)

    async def _drive(self, driver: Driver) -> None:
        driver.open()
        self._world.idle_hook(lambda: driver.stop(_STANDSTILL))
        loop = asyncio.get_running_loop()
        limit = self._plan.time_limit_ms
        alarm = None if limit is None else loop.call_later(limit / 1000, driver.stop, _limit_text(limit))
        try:
            with self._signals(loop, driver):
                await driver.run()
            if self._settings.afterwards is not None:
                await self._settings.afterwards(driver)
        except asyncio.CancelledError:
            await self._interrupt(driver)
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
            self._results = driver.results()
            driver.close()

    async def _interrupt(self, driver: Driver) -> None:
        """Cancelled from outside: release the calls all the same, within the lanes' own grace."""
        self._interrupted = True
        driver.stop("interrupted")
        await asyncio.shield(driver.wait())

    @contextlib.contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop, driver: Driver) -> Iterator[None]:
        wanted = (signal.SIGINT, signal.SIGTERM) if self._settings.handle_signals else ()
        for number in wanted:
            loop.add_signal_handler(number, self._on_signal, driver)
        try:
            yield
        finally:
            for number in wanted:
                loop.remove_signal_handler(number)

    def _on_signal(self, driver: Driver) -> None:
        """The first Ctrl-C releases every call; the second one does not wait for the answers."""
        if self._interrupted:
            driver.abandon()
            return
        self._interrupted = True
        driver.stop("interrupted")

    def _pass_on(self, record: Record) -> None:
        self._last = record.time
        self._publish(record)

    def _note(self, payload: Payload) -> None:
        self._publish(Record(self._last, "", getattr(payload, "call", None) or "", "", 0, payload))

    def _finish(self) -> int:
        code = self._exit_code()
        counts = Counter("passed" if result.passed else "failed" for result in self._results)
        self._note(events.RunFinished(_VERDICTS[code], code, self._last, dict(counts)))
        return code

    def _exit_code(self) -> int:
        if self._interrupted:
            return EXIT_INTERRUPTED
        if self._problem:
            return EXIT_ENVIRONMENT
        failures = [result.failure for result in self._results if result.failure is not None]
        if any(entry.failure.code == ENVIRONMENT for entry in failures):
            return EXIT_ENVIRONMENT
        passed = bool(self._results) and all(result.passed for result in self._results)
        return EXIT_PASSED if passed else EXIT_FAILED


_STANDSTILL = "virtual time stands still: nobody has anything left to do"


def _limit_text(limit_ms: int) -> str:
    return f"the run's time limit of {limit_ms / 1000:g} s passed"
