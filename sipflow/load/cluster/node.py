"""What runs on a machine of a cluster: a dask worker that starts engines in processes of their own, and passes on what
they and the run tell each other. Nothing of a call runs on its event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import socket
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dask
from distributed import Worker, get_worker

from sipflow.load import bundles
from sipflow.load.cluster.address import Meeting, is_loopback
from sipflow.load.cluster.assets import Assets, settle
from sipflow.load.cluster.folder import own_folder
from sipflow.load.links import ProcessLink
from sipflow.load.messages import FailureKept, FromWorker, Prepare, ToWorker
from sipflow.load.preflight import (
    Shortage,
    check,
    durations,
    need_of,
    part_of,
    raise_descriptor_limit,
    this_machine,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a machine offers to a run."""

    name: str
    """In the report."""
    processes: int
    """Engines at the same time."""
    address: str | None
    """Of this machine, for agents that the file gives none; None: that from which it reaches the run."""
    out: Path
    """Folder for recordings and for what failed calls leave."""
    patience_s: float = 30.0
    """How long it waits for the run to listen."""


@dataclass(slots=True)
class _Node:
    """The one cluster worker of this process."""

    address: str | None = None
    """Address of this machine that agents without one of their own use; None: as the plan says."""
    folder: Path = field(default_factory=Path)
    """Of the run's files, for as long as the worker lives."""
    out: Path = field(default_factory=Path)
    """Where recordings and failed calls stay."""
    engines: dict[str, ProcessLink] = field(default_factory=dict)
    begun: dict[str, asyncio.Event] = field(default_factory=dict)


_node = _Node()


async def serve(meeting: Meeting, offer: Offer) -> None:
    """Offer this machine until the run is over or the connection is lost.

    Raises `OSError` when nobody listens there.
    """
    raise_descriptor_limit()  # engines inherit it
    _node.address, _node.out = offer.address or _own_address(meeting), offer.out.absolute()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in our own words
    with own_folder() as folder, dask.config.set(_CONFIGURATION | {"temporary-directory": str(folder / "dask")}):
        _node.folder = folder / "files"
        _node.folder.mkdir()
        worker = Worker(
            meeting.url, security=meeting.security(), name=offer.name, nthreads=offer.processes, dashboard=False,
            dashboard_address="127.0.0.1:0",
            memory_limit=0, death_timeout=offer.patience_s,
        )  # fmt: skip
        try:
            async with worker:
                await worker.finished()  # type: ignore[no-untyped-call]
        finally:
            for link in _node.engines.values():
                link.close()
            _node.engines.clear()


_CONFIGURATION: dict[str, Any] = {"distributed.worker.http.routes": [], "distributed.comm.retry.count": 0}


def _own_address(meeting: Meeting) -> str | None:
    """The address from which this machine reaches the run; None where that is loopback."""
    if is_loopback(meeting.host):
        return None
    family = socket.AF_INET6 if ":" in meeting.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((meeting.host, meeting.port))
        address: str = probe.getsockname()[0]
        return address


# --- called by the run, on the event loop of the worker ------------------------------------------------------------


def clock() -> float:
    """The monotonic clock of this machine."""
    return time.monotonic()


def store(assets: bytes) -> int:
    """Write the run's files; gives the number of processors that engines may use here."""
    value: Assets = pickle.loads(assets)
    value.write(_node.folder)
    bundles.clear(_node.out / bundles.FOLDER)
    return _processors()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def look(prepare: bytes, processes: int, engines: int) -> tuple[Shortage, ...]:
    """What this machine lacks for as many of the run's engines as it has processes; its files are stored already."""
    prepared = settle(pickle.loads(prepare), _node.folder, _node.out, _node.address)
    need = need_of(prepared.plan, prepared.load, durations(prepared.media_folders), prepared.tables)
    return check(
        prepared.plan, prepared.load, processes, this_machine(_processors()), part_of(need, processes, engines)
    )


async def run_engine(key: str, number: int, topic: str) -> str:
    """The task of one engine: from the start of its process to its end. Gives how it ended."""
    worker = get_worker()
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def told(message: FromWorker) -> None:
        if isinstance(message, FailureKept):
            message = replace(message, folder=Path(f"{worker.name}:{message.folder}"))
        worker.log_event(topic, (key, pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)))

    def lost(why: str) -> None:
        if not over.done():
            over.set_result(why)

    link = _node.engines[key] = ProcessLink(number)
    link.open(told, lost)
    _node.begun.setdefault(key, asyncio.Event()).set()
    try:
        return await over
    finally:
        del _node.engines[key]
        link.close()


async def tell(key: str, message: bytes) -> None:
    """Pass a message of the run on to an engine, once its task has begun."""
    await _node.begun.setdefault(key, asyncio.Event()).wait()
    value: ToWorker = pickle.loads(message)
    if key in _node.engines:
        _node.engines[key].send(
            settle(value, _node.folder, _node.out, _node.address) if isinstance(value, Prepare) else value
        )
