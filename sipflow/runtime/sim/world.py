"""A world of its own for one run: its loop, its network, its day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sipflow.media import EngineConfig, MediaEngine, Simulation
from sipflow.plan.network import REORDER_MS, NetworkConditions
from sipflow.plan.plan import Plan
from sipflow.runtime.driver import AgentRefusedError
from sipflow.runtime.network import Network
from sipflow.runtime.sim.clock import VirtualLoop
from sipflow.runtime.sim.network import SimulatedNetwork

FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
"""Time of day at the beginning of every run in virtual time: a log must not tell when it was made."""


class SimulatedWorld:
    """The world of a `VirtualLoop`, which has to be running. Made for one run."""

    def __init__(self, conditions: NetworkConditions) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "virtual time needs a loop that has it"
        self._loop = loop
        self._conditions = conditions
        self.simulated_network: SimulatedNetwork | None = None
        self.simulated_engine: MediaEngine | None = None

    def engine(self, plan: Plan) -> MediaEngine:
        """A stepped engine that the loop drives; refuses plans with agents that are somebody else."""
        for agent in plan.agents.values():
            if agent.remote:
                raise AgentRefusedError(
                    agent.spec,
                    f"`{agent.name}` is somebody else ({agent.uri or 'a remote party'}), and in virtual time there are "
                    f"only the agents of the scenario: give it a lane, or run in real time",
                )
        engine = MediaEngine(EngineConfig(seed=plan.seed, simulation=_media_conditions(self._conditions, plan.seed)))
        self._loop.clock.drive(engine)
        self.simulated_engine = engine
        return engine

    def network(self, plan: Plan) -> Network:
        """What carries SIP inside the process."""
        self.simulated_network = SimulatedNetwork(self._conditions, plan.seed)
        return self.simulated_network

    def wallclock(self) -> datetime:
        """The first of January 2000 and what has passed since."""
        return FIRST_MOMENT + timedelta(seconds=self._loop.time())

    def idle_hook(self, tell: Callable[[], None]) -> None:
        """Called at most once."""
        self._loop.clock.stands_still = tell


def _media_conditions(conditions: NetworkConditions, seed: int) -> Simulation:
    return Simulation(
        seed=seed,
        wallclock_ns=int(FIRST_MOMENT.timestamp()) * 1_000_000_000,
        loss=conditions.loss,
        delay_ms=conditions.delay_ms,
        jitter_ms=conditions.jitter_ms,
        reorder=conditions.reorder,
        reorder_ms=REORDER_MS,
        duplicate=conditions.duplicate,
    )
