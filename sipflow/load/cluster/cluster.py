"""The run's side of a cluster: the place where machines come, their clocks, and the links to their engines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Client, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from sipflow.errors import MachineError
from sipflow.load.cluster import assets, node
from sipflow.load.cluster.address import Meeting
from sipflow.load.cluster.folder import own_folder
from sipflow.load.cluster.links import ClusterLink, topic_of
from sipflow.load.links import Link
from sipflow.load.messages import Prepare
from sipflow.load.preflight import Shortage

PINGS = 15
"""Round trips for a clock; the shortest one counts, since what delays a packet never makes it faster."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Another machine's monotonic clock against ours."""

    offset_s: float
    """What it shows more."""
    error_s: float
    """Half of the shortest round trip: it is off by no more than this (Cristian's algorithm)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A load machine that is there."""

    address: str
    name: str
    processes: int
    clock: Clock


class _Membership(SchedulerPlugin):
    """Tells who leaves: a dead machine's task stays pending for ever, so that membership is what counts."""

    name = "sipflow-membership"

    def __init__(self, left: Callable[[str], None]) -> None:
        self._left = left

    def remove_worker(self, scheduler: Scheduler, worker: str, **_details: Any) -> None:
        self._left(worker)


class Cluster:
    """Machines for load runs, from `open` on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._links: dict[str, ClusterLink] = {}
        self._runs = 0

    async def machines(self, count: int, waiting: Callable[[int], None]) -> tuple[Machine, ...]:
        """Wait until `count` machines are there; `waiting` is told how many are, whenever that changes."""
        known = -1
        while (there := await self._known_workers()) is not None and len(there) < count:
            if len(there) != known:
                known = len(there)
                waiting(known)
            await asyncio.sleep(0.1)
        return tuple([await self._machine(address, details) for address, details in sorted(there.items())])

    async def links(self, machines: tuple[Machine, ...], prepared: Prepare) -> list[Link]:
        """Send the files of the plan to all machines; one link for each of their processes."""
        packed = pickle.dumps(assets.collect(prepared))
        addresses = [machine.address for machine in machines]
        await self._client.run(node.store, packed, workers=addresses)
        self._runs += 1
        self._links = {link.key: link for machine in machines for link in self._links_of(machine)}
        return list(self._links.values())

    async def shortages(self, machines: tuple[Machine, ...], prepared: Prepare) -> list[tuple[Machine, Shortage]]:
        """What each machine lacks for its part of the plan, by its own look at itself; after `links`."""
        packed, engines = pickle.dumps(prepared), sum(machine.processes for machine in machines)
        found = []
        for machine in machines:
            run = self._client.run(node.look, packed, machine.processes, engines, workers=[machine.address])
            found += [(machine, shortage) for shortage in (await run)[machine.address]]
        return found

    def _links_of(self, machine: Machine) -> list[ClusterLink]:
        return [
            ClusterLink(
                self._client, machine.address,
                machine.name if machine.processes == 1 else f"{machine.name} process {number + 1}",
                f"{self._runs}-{machine.name}-{number}", number, machine.clock.offset_s,
            )
            for number in range(machine.processes)
        ]  # fmt: skip

    async def closed(self) -> None:
        """Wait until everybody has heard the last word."""
        await asyncio.gather(*(link.closing for link in self._links.values() if link.closing is not None))

    def told(self, event: tuple[float, tuple[str, bytes]]) -> None:
        """An event of the topic."""
        _, (key, message) = event
        if key in self._links:
            self._links[key].heard(pickle.loads(message))

    def left(self, address: str) -> None:
        """A machine is gone."""
        for link in self._links.values():
            if link.address == address:
                link.gone("its machine left the cluster")

    async def _known_workers(self) -> dict[str, Any]:
        assert self._client.scheduler is not None, "it is connected"
        information = await self._client.scheduler.identity()
        known: dict[str, Any] = information["workers"]
        return known

    async def _machine(self, address: str, details: dict[str, Any]) -> Machine:
        return Machine(address, str(details["name"]), int(details["nthreads"]), await self._clock_of(address))

    async def _clock_of(self, address: str) -> Clock:
        best = Clock(0.0, float("inf"))
        for _ in range(PINGS):
            sent = time.monotonic()
            theirs: float = (await self._client.run(node.clock, workers=[address]))[address]
            received = time.monotonic()
            if (received - sent) / 2 < best.error_s:
                best = Clock(theirs - (sent + received) / 2, (received - sent) / 2)
        return best


@contextlib.asynccontextmanager
async def open_cluster(meeting: Meeting) -> AsyncIterator[Cluster]:
    """Listen for machines; raises `MachineError` when the address cannot be had."""
    security = meeting.security()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in our own words
    with own_folder() as folder, dask.config.set(_CONFIGURATION | {"temporary-directory": str(folder)}):
        try:
            scheduler = await Scheduler(
                host=meeting.host, port=meeting.port, protocol=meeting.scheme, security=security, dashboard=False,
                dashboard_address="127.0.0.1:0",
                allowed_failures=0,
            )  # fmt: skip
        except OSError as error:
            raise MachineError(f"cannot listen for load machines at {meeting.url}: {error}") from error
        client = Client(scheduler.address, security=security, asynchronous=True)  # type: ignore[no-untyped-call]
        async with scheduler, client:
            cluster = Cluster(client)
            scheduler.add_plugin(_Membership(cluster.left))
            client.subscribe_topic(topic_of(client), cluster.told)  # type: ignore[no-untyped-call]
            try:
                yield cluster
            finally:
                await cluster.closed()
                # Machines stay for the next run of whoever started them only as long as there is somebody to talk to.
                with contextlib.suppress(Exception):
                    await client.retire_workers(close_workers=True)


_CONFIGURATION: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    # Every message of an engine is an event that dask keeps: a few are enough.
    "distributed.admin.low-level-log-length": 100,
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.retry.count": 0,
}
