"""Workers as the run sees them. What a cluster needs is one more class with these three verbs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

from sipflow import crash
from sipflow.load.channel import Channel, ChannelClosedError
from sipflow.load.messages import FromWorker, ToWorker

CLOSE_WAIT_S = 5.0
"""How long a worker that said its last word may take to be gone."""


class Link(Protocol):
    """The way to one worker. Nothing here waits; what the worker says comes on the loop's thread."""

    name: str

    def open(self, told: Callable[[FromWorker], None], lost: Callable[[str], None]) -> None:
        """Start it. `told` gets its messages, `lost` why it is gone, once, whether it had finished or not."""

    def send(self, message: ToWorker) -> None:
        """Tell it something; harmless when it is gone."""

    def close(self) -> None:
        """End it, if it lives."""


class ProcessLink:
    """A worker that is a process of this machine."""

    def __init__(self, number: int) -> None:
        self.name = f"worker {number + 1}"
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._lost: Callable[[str], None] = lambda why: None

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return None if self._process is None else self._process.pid

    def open(self, told: Callable[[FromWorker], None], lost: Callable[[str], None]) -> None:
        """Start the process."""
        ours, theirs = socket.socketpair()
        self._channel, self._lost = Channel(ours), lost
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sipflow.load.worker", str(number)],
                pass_fds=(number,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for the run
            )
        asyncio.get_running_loop().add_reader(ours.fileno(), self._on_readable, told)

    def send(self, message: ToWorker) -> None:
        """Tell it something."""
        if self._channel is not None:
            with contextlib.suppress(ChannelClosedError):
                self._channel.send(message)

    def close(self) -> None:
        """End the process, if it lives, and take it from the system's table."""
        self._hang_up()
        if self._process is None:
            return
        try:
            self._process.wait(CLOSE_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _on_readable(self, told: Callable[[FromWorker], None]) -> None:
        assert self._channel is not None, "what is watched is open"
        try:
            messages = self._channel.receive()
        except ChannelClosedError:
            self._hang_up()
            self._lost(self._why())
            return
        for message in messages:
            told(message)

    def _hang_up(self) -> None:
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            self._channel.close()
            self._channel = None

    def _why(self) -> str:
        """How the process ended, for a person."""
        assert self._process is not None, "a channel belongs to a process"
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"it was killed by {signal.Signals(-code).name}"
        if code == crash.EXIT_CODE:
            return f"a fault in sipflow itself ended it; its traceback is in {crash.crash_file(self._process.pid)}"
        return f"it ended with exit code {code}"
