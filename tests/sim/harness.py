"""Runs a scenario in virtual time and looks at what is left of it when everything has had time to end."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sipflow.events import Record
from sipflow.lang import compile_text
from sipflow.plan.network import NetworkConditions
from sipflow.plan.plan import make_plan
from sipflow.report.fold import Report, ReportFold
from sipflow.report.serialise import EventsFile
from sipflow.runtime.driver import Driver
from sipflow.runtime.runner import Runner, RunSettings
from sipflow.runtime.sim.clock import VirtualLoop
from sipflow.runtime.sim.world import SimulatedWorld

LONG_ENOUGH_S = 400.0
"""Longer than any timer of a transaction, a registration of a minute, or a connection's patience."""


@dataclass(frozen=True)
class Outcome:
    """One run."""

    report: Report
    log: str
    left: dict[str, int]
    """What should have ended and has not, by its name; empty when all is well."""


def run_simulated(
    text: str, conditions: NetworkConditions, seed: int, out: Path, patience_s: float = LONG_ENOUGH_S
) -> Outcome:
    """Run a scenario, let everything run out for so long, and count what is left."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_run(text, conditions, seed, out, patience_s))


async def _run(text: str, conditions: NetworkConditions, seed: int, out: Path, patience_s: float) -> Outcome:
    graph = compile_text(text, "<text>").graph
    assert graph is not None, "a generated scenario has no errors"
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    fold, log, left = ReportFold(), io.StringIO(), dict[str, int]()
    sinks: tuple[Callable[[Record], None], ...] = (fold.take, EventsFile(log).take)
    plan = make_plan(graph, seed=seed, time_limit_ms=7_200_000, network=conditions)
    world = SimulatedWorld(conditions)

    async def look(driver: Driver) -> None:
        await asyncio.sleep(patience_s)
        for agent, counts in driver.unfinished().items():
            left.update({f"{what} of {agent}": count for what, count in counts.items() if count})
        assert world.simulated_engine is not None
        left["RTP ports"] = world.simulated_engine.open_sockets

    def publish(record: Record) -> None:
        for sink in sinks:
            sink(record)

    await Runner(plan, RunSettings(out=out, afterwards=look), publish, world).run()
    assert world.simulated_network is not None and world.simulated_engine is not None
    await asyncio.sleep(0)
    left["sockets"] = world.simulated_network.open_sockets
    left["datagrams under way"] = world.simulated_network.in_flight
    left["legs"] = world.simulated_engine.open_legs
    left["timers of the loop"] = loop.timers
    left["tasks"] = len(asyncio.all_tasks()) - 1
    return Outcome(fold.report(), log.getvalue(), {what: count for what, count in left.items() if count})
