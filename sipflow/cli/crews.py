"""Who runs a load: processes of this machine, or those of other machines."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from sipflow.errors import MachineError
from sipflow.load.cluster.address import Certificates, parse_meeting
from sipflow.load.links import Link
from sipflow.load.messages import Prepare
from sipflow.load.preflight import Shortage
from sipflow.load.run import START_AHEAD_S
from sipflow.loading import local_links

if TYPE_CHECKING:
    from sipflow.load.cluster.cluster import Machine

CLUSTER_START_AHEAD_S = 1.0
"""Longer than a message takes to another machine, over connections that may still have to be made."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers that are ready to be opened."""

    links: Sequence[Link]
    start_ahead_s: float = START_AHEAD_S
    notes: tuple[str, ...] = ()


MakeCrew = Callable[[Prepare], AbstractAsyncContextManager[Crew]]


def at_home(count: int) -> MakeCrew:
    """Processes of this machine."""

    @contextlib.asynccontextmanager
    async def make(prepared: Prepare) -> AsyncIterator[Crew]:
        yield Crew(local_links(count))

    return make


def _told(machine: Machine, shortage: Shortage) -> str:
    return f"{machine.name}: {shortage.message} ({shortage.code}); {shortage.help}"


def abroad(address: str, certificates: Certificates | None, machines: int, console: Console) -> MakeCrew:
    """Processes of the machines that come to an address; raises `SipflowError` when it may not be used."""
    meeting = parse_meeting(address, certificates)

    @contextlib.asynccontextmanager
    async def make(prepared: Prepare) -> AsyncIterator[Crew]:
        from sipflow.load.cluster.cluster import open_cluster

        def waiting(there: int) -> None:
            console.print(f"{there} of {machines} machines at {meeting.url}", style="dim")

        async with open_cluster(meeting) as cluster:
            found = await cluster.machines(machines, waiting)
            notes = tuple(
                f"{machine.name}: {machine.processes} processes, clock known to {machine.clock.error_s * 1000:.2f} ms"
                for machine in found
            )
            links = await cluster.links(found, prepared)
            lacking = await cluster.shortages(found, prepared)
            if any(shortage.error for _, shortage in lacking):
                raise MachineError("\n       ".join(_told(name, one) for name, one in lacking))
            notes += tuple(_told(name, one) for name, one in lacking)
            yield Crew(links, CLUSTER_START_AHEAD_S, notes)

    return make
