"""A worker process of a load run: `python -m sipflow.load.worker FD`, started by `links`, never by a person."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Sequence

from sipflow import crash
from sipflow.load.channel import Channel, ChannelClosedError
from sipflow.load.engine import Engine
from sipflow.load.messages import FromWorker, Prepare, Refused, ToWorker

GC_THRESHOLD = 50_000
"""Calls in progress are long-lived and in cycles with nothing: a collection every 700 objects would walk all of them
thousands of times a second."""


def collect_seldom() -> None:
    """What is there stays; what comes is searched for cycles seldom, however many calls are up."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)


def main() -> None:
    """Run what the other end of the socket wants."""
    # Who ends a run often tells all of its processes (a service manager, `timeout`). The run says what becomes of the
    # calls; when it is gone, they are released.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    told: list[ToWorker] = []
    try:
        while not told:
            told = list(channel.receive())
    except ChannelClosedError:
        return
    prepare, *more = told
    assert isinstance(prepare, Prepare), "it comes first"
    collect_seldom()
    try:
        asyncio.run(_work(channel, prepare, more))
    except Exception as error:  # a bug: who reads the exit code finds the traceback
        crash.note_crash(error)
        sys.exit(crash.EXIT_CODE)


async def _work(channel: Channel, prepare: Prepare, more: Sequence[ToWorker]) -> None:
    """`more`: what came along with `prepare`."""
    loop = asyncio.get_running_loop()

    def tell(message: FromWorker) -> None:
        with contextlib.suppress(ChannelClosedError):
            channel.send(message)

    try:
        engine = Engine(prepare, tell)
    except Exception as error:  # a bug: who started the run tells a person, in a line
        tell(Refused(f"a worker cannot begin: {crash.note_crash(error)}"))
        return

    for message in more:
        engine.take(message)

    def on_readable() -> None:
        try:
            messages = channel.receive()
        except ChannelClosedError:
            loop.remove_reader(channel.fileno())
            engine.abort("the load run is gone")
            return
        for message in messages:
            engine.take(message)

    loop.add_reader(channel.fileno(), on_readable)
    await engine.run()
    loop.remove_reader(channel.fileno())
    channel.close()


if __name__ == "__main__":
    main()
