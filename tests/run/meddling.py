"""Runs in virtual time on a network that changes the messages which pass, as a border controller with a fault would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sipflow.lang import compile_text
from sipflow.plan.network import NetworkConditions
from sipflow.plan.plan import Plan, make_plan
from sipflow.report.fold import Report, ReportFold
from sipflow.runtime.runner import Runner, RunSettings
from sipflow.runtime.sim.clock import VirtualLoop
from sipflow.runtime.sim.network import Endpoint, SimulatedNetwork
from sipflow.runtime.sim.world import SimulatedWorld
from sipflow.sip.hop import Hop

Change = Callable[[bytes], bytes]
"""Of one SIP message."""


class Meddler(SimulatedNetwork):
    """The network."""

    def __init__(self, seed: int, change: Change) -> None:
        super().__init__(NetworkConditions(), seed)
        self.change = change

    def endpoint_at(self, host: str, port: int) -> Endpoint | None:
        """Of datagrams."""
        found = super().endpoint_at(host, port)
        return None if found is None else Meddled(self.change, found)


class Meddled(Endpoint):
    """The way to one of the sockets."""

    def __init__(self, change: Change, endpoint: Endpoint) -> None:
        self.change, self.endpoint = change, endpoint

    def receive(self, data: bytes, source: tuple[str, int]) -> None:
        """A datagram passes."""
        self.endpoint.receive(self.change(data), source)

    def send(self, data: bytes, destination: Hop) -> None:
        """Nothing is sent here."""
        raise AssertionError


class MeddledWorld(SimulatedWorld):
    """A simulation in which somebody changes messages."""

    def __init__(self, change: Change) -> None:
        super().__init__(NetworkConditions())
        self.change = change

    def network(self, plan: Plan) -> SimulatedNetwork:
        """What carries SIP."""
        self.simulated_network = Meddler(plan.seed, self.change)
        return self.simulated_network


def run(text: str, out: Path, change: Change) -> Report:
    """Run in virtual time, a minute of it at most."""

    async def judged() -> Report:
        graph = compile_text(text, "<text>").graph
        assert graph is not None
        plan, fold = make_plan(graph, seed=1, time_limit_ms=60_000, network=NetworkConditions()), ReportFold()
        await Runner(plan, RunSettings(out=out), fold.take, MeddledWorld(change)).run()
        return fold.report()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(judged())
