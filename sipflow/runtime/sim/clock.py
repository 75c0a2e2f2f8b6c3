"""An event loop whose time jumps to what happens next, instead of waiting for it.

asyncio asks its selector to wait, and its loop for the time. Here the selector does not wait: it looks at its
descriptors (signals, events of the media engine), lets the media engine do what is due until the next timer, and is
back. So one thread runs a whole scenario as fast as the machine can, and in the same order each time.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from typing import Any, Protocol

MOST_NS = 60_000_000_000
"""How far one jump goes at most: between two of them a signal is heard."""


class Ticking(Protocol):
    """What has things to do between the timers: `MediaEngine`."""

    @property
    def open_legs(self) -> int:
        """While there are none it has nothing to do."""

    def advance(self, until_ns: int) -> int:
        """Lets time pass until then, or until something happened; gives the time that it is."""


class VirtualClock(selectors.BaseSelector):
    """A selector that lets time pass in the place of waiting."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.stands_still: Callable[[], None] | None = None
        """Called once when there is nothing left that could ever happen."""
        self._descriptors = selectors.DefaultSelector()
        self._ticking: Ticking | None = None

    def drive(self, ticking: Ticking) -> None:
        """Whose ticks lie between the timers, from now on; time 0 is the beginning of both."""
        assert self.now_ns == 0, "its time has to begin with ours"
        self._ticking = ticking

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now, or after time has passed: at most `timeout` seconds of it."""
        ready = self._descriptors.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None and (self._ticking is None or not self._ticking.open_legs):
            return self._wait_for_the_world()
        self._pass(timeout)
        return self._descriptors.select(0)

    def _pass(self, timeout: float | None) -> None:
        until_ns = self.now_ns + MOST_NS
        if timeout is not None:
            until_ns = min(until_ns, self.now_ns + max(1, math.ceil(timeout * 1e9)))
        self.now_ns = until_ns if self._ticking is None else self._ticking.advance(until_ns)

    def _wait_for_the_world(self) -> list[tuple[selectors.SelectorKey, int]]:
        """No timer and no media: only another thread or a signal could go on from here."""
        tell, self.stands_still = self.stands_still, None
        if tell is not None:
            tell()
            return []
        return self._descriptors.select(None)

    # --- the rest is that of any selector ---

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor."""
        return self._descriptors.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no more."""
        return self._descriptors.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for something else."""
        return self._descriptors.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """All that are watched."""
        return self._descriptors.get_map()

    def close(self) -> None:
        """Give the selector's own descriptor back."""
        self._descriptors.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, which is 0 at its beginning. What would run in another thread runs at once: how long it
    takes must not decide what comes next."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        super().__init__(self.clock)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self.clock.now_ns / 1e9

    @property
    def timers(self) -> int:
        """How many are set."""
        return sum(not handle.cancelled() for handle in self._scheduled)  # type: ignore[attr-defined]

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Call it now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # as an executor does: whoever awaits the result gets it
            future.set_exception(error)
        return future
