"""What a run takes from outside: media engine, network, time of day. One world is the machine, one a simulation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sipflow.media import EngineConfig, MediaEngine
from sipflow.plan.plan import Plan
from sipflow.runtime.network import Network
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.runtime.transports.names import Names


class World(Protocol):
    """Where a plan is run. The loop that runs it belongs to the world, too."""

    def engine(self, plan: Plan) -> MediaEngine:
        """A media engine on the world's clock and network."""

    def network(self, plan: Plan) -> Network:
        """What carries SIP."""

    def wallclock(self) -> datetime:
        """Time of day."""

    def idle_hook(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when nothing can happen any more; in the machine's world something always can."""


class MachineWorld:
    """Sockets, threads and clocks of the machine."""

    def engine(self, plan: Plan) -> MediaEngine:
        """Native threads."""
        return MediaEngine(EngineConfig(seed=plan.seed))

    def network(self, plan: Plan) -> Network:
        """Sockets and name servers."""
        return MachineNetwork(Path(plan.graph.source).parent, Names(seed=plan.seed))

    def wallclock(self) -> datetime:
        """Now."""
        return datetime.now().astimezone()

    def idle_hook(self, tell: Callable[[], None]) -> None:
        """Nothing to do."""
