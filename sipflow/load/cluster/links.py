"""Engines on other machines as the run sees them: the verbs of `sipflow.load.links.Link`, carried by dask."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from distributed import Client, Future

from sipflow.load.cluster import node
from sipflow.load.messages import Finished, FromWorker, Refused, Start, ToWorker

SILENCE_S = 1.5
"""Engines tell something four times a second; one of which nothing comes for so long is given up, since a machine
whose cable was pulled out closes no connection."""
WATCH_S = 0.1
LAST_WORD_S = 2.0


class ClusterLink:
    """One engine process on a machine of the cluster."""

    def __init__(self, client: Client, address: str, name: str, key: str, number: int, offset_s: float) -> None:
        """`address` and `name` are the dask worker's; `offset_s` is what its clock shows more than ours."""
        self.name = name
        self.key = key
        self.address = address
        self._client = client
        self._number = number
        self._offset_s = offset_s
        self._told: Callable[[FromWorker], None] = lambda message: None
        self._lost: Callable[[str], None] = lambda why: None
        self._messages: asyncio.Queue[ToWorker] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._engine: Future[str] | None = None
        self._heard_at: float | None = None
        """When it last told something; None while nothing is expected."""
        self._over = False
        self.closing: asyncio.Task[None] | None = None
        """Done when its last word has gone out; set by `close`."""

    def open(self, told: Callable[[FromWorker], None], lost: Callable[[str], None]) -> None:
        """Start the engine on its machine, and on no other one, once."""
        self._told, self._lost = told, lost
        self._engine = self._client.submit(
            cast(Any, node.run_engine), self.key, self._number, topic_of(self._client), key=f"engine-{self.key}",
            workers=[self.address], allow_other_workers=False, retries=0, pure=False,
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(work) for work in (self._send_all(), self._wait(), self._watch())]

    def send(self, message: ToWorker) -> None:
        """Tell it something; in this order."""
        if isinstance(message, Start):
            message = replace(message, at=message.at + self._offset_s)
            self._heard_at = asyncio.get_running_loop().time() + max(message.at - self._offset_s - self._now(), 0.0)
        self._messages.put_nowait(message)

    def close(self) -> None:
        """Wait for nothing any more, and take the task back, so that dask never runs it again."""
        self._over = True
        if self.closing is None:
            self.closing = asyncio.get_running_loop().create_task(self._flush())

    def heard(self, message: FromWorker) -> None:
        """Something that the engine told."""
        if self._over:
            return
        if self._heard_at is not None:
            self._heard_at = self._now()
        if isinstance(message, Finished | Refused):
            self._heard_at = None
        self._told(message)

    def gone(self, why: str) -> None:
        """The machine left the cluster, or the engine ended."""
        if not self._over:
            self._over = True
            self._lost(why)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _send_all(self) -> None:
        while True:
            message = pickle.dumps(await self._messages.get(), protocol=pickle.HIGHEST_PROTOCOL)
            # A machine that cannot be told is one that left, and that is told by whoever watches.
            with contextlib.suppress(Exception):
                await self._client.run(node.tell, self.key, message, workers=[self.address])
            self._messages.task_done()

    async def _wait(self) -> None:
        assert self._engine is not None, "it was opened"
        try:
            why = await self._engine
        except Exception as error:  # whatever dask says of a task whose machine is gone
            why = str(error)
        self.gone(why)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self._heard_at is not None and self._now() - self._heard_at > SILENCE_S:
                self.gone(f"nothing was heard of it for {SILENCE_S:g} s")
                return

    async def _flush(self) -> None:
        """Let the last word (an abort) go out, then end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._messages.join(), LAST_WORD_S)
        for task in self._tasks:
            task.cancel()
        if self._engine is not None:
            with contextlib.suppress(Exception):
                await self._client.cancel([self._engine], force=True)  # type: ignore[no-untyped-call]


def topic_of(client: Client) -> str:
    """Under which the engines of a run tell what they have to."""
    return f"sipflow-{client.id}"
