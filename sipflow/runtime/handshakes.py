"""DTLS handshakes of legs: between the engine's inboxes, OpenSSL's timers and the keys of the legs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property

from sipflow import events
from sipflow.events import Payload
from sipflow.media import Leg
from sipflow.media.dtls import DtlsHandshake, DtlsIdentity
from sipflow.media_params import DtlsParams

LIMIT_S = 10.0
"""How long a handshake may take: OpenSSL has repeated its flight three times by then."""

SOON_S = 0.5
"""A call of which nobody wanted media may be over before its keys when it is over before that: two round trips of
150 ms each way are longer than that in no network that is fit for speech (G.114)."""

MORE_TIME_S = 0.001
"""OpenSSL counts in microseconds, the loop's clock may be a little ahead."""


class _Running:
    """One handshake under way, or done: a peer may repeat its last flight."""

    def __init__(self, leg: Leg, machine: DtlsHandshake, since: float) -> None:
        self.leg = leg
        self.machine = machine
        self.since = since
        self.told = False
        self.timer: asyncio.TimerHandle | None = None
        self.limit: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Wait for nothing any more."""
        for timer in (self.timer, self.limit):
            if timer is not None:
                timer.cancel()


class Handshakes:
    """All of one run. What they come to is fed as `MediaSecured` or `MediaUnprotected`."""

    def __init__(self, feed: Callable[[str, Payload], None]) -> None:
        """`feed` takes (call, payload)."""
        self._feed = feed
        self._running: dict[Leg, _Running] = {}
        self._parts: dict[Leg, tuple[DtlsParams, str, int]] = {}

    @cached_property
    def identity(self) -> DtlsIdentity:
        """The certificate of this run; raises MachineError when nothing can make one."""
        return DtlsIdentity()

    def is_new(self, leg: Leg, params: DtlsParams, address: str, port: int) -> bool:
        """Whether an association is asked for that the leg has not yet (RFC 8842 section 3.1)."""
        return self._parts.get(leg) != (params, address, port)

    def begin(self, leg: Leg, params: DtlsParams, address: str, port: int) -> None:
        """Shake hands; the leg was told to wait for keys, and knows its peer."""
        former = self._drop(leg)
        self._parts[leg] = (params, address, port)
        loop = asyncio.get_running_loop()
        waiting = former is not None and not former.machine.over
        since = former.since if former is not None and waiting else loop.time()
        running = self._running[leg] = _Running(leg, DtlsHandshake(self.identity, params), since)
        running.limit = loop.call_later(LIMIT_S, self._give_up, running)
        running.machine.start()
        self._move(running)
        self.arrived(leg)

    def arrived(self, leg: Leg) -> None:
        """Datagrams wait in the leg's inbox."""
        running = self._running.get(leg)
        if running is not None:
            for datagram in leg.handshake():
                running.machine.receive(datagram)
            self._move(running)

    def forget(self, leg: Leg, *, wanted: bool, in_clear: int = 0) -> str:
        """The leg closes: gives why there were no keys, empty when nothing is wrong.

        `wanted`: something was to be sent on it, recorded or heard; `in_clear`: packets of media that the peer sent
        without having begun a handshake. With either there is no call too short to be told of.
        """
        running = self._drop(leg)
        if running is None or running.machine.over or running.told:
            return ""
        waited = asyncio.get_running_loop().time() - running.since
        if not wanted and not in_clear and waited < SOON_S:
            return ""
        clear = f"; the peer sent media all the same, in the clear, {in_clear} packets of it" if in_clear else ""
        return f"the call ended {waited:.1f} s after its DTLS handshake had begun, and before there were keys{clear}"

    def _drop(self, leg: Leg) -> _Running | None:
        running = self._running.pop(leg, None)
        self._parts.pop(leg, None)
        if running is not None:
            running.stop()
        return running

    def _move(self, running: _Running) -> None:
        """Send what is to be sent, tell what came of it, arm the timer."""
        for datagram in running.machine.outputs():
            running.leg.send_handshake(datagram)
        if running.machine.over and not running.told:
            self._tell(running)
        if running.timer is not None:
            running.timer.cancel()
        timeout_s = running.machine.timeout_s()
        running.timer = None
        if timeout_s is not None:
            loop = asyncio.get_running_loop()
            running.timer = loop.call_later(timeout_s + MORE_TIME_S, self._repeat, running)

    def _repeat(self, running: _Running) -> None:
        running.machine.handle_timer()
        self._move(running)

    def _tell(self, running: _Running) -> None:
        running.told = True
        if running.limit is not None:
            running.limit.cancel()
        machine, call = running.machine, running.leg.call
        if machine.detail:
            self._feed(call, events.Logged(machine.detail, "warning"))
        if machine.keys is None:
            self._feed(call, events.MediaUnprotected(call, machine.problem))
            return
        running.leg.secure(machine.keys)
        self._feed(call, events.MediaSecured(call, machine.keys.suite, str(machine.fingerprint)))

    def _give_up(self, running: _Running) -> None:
        if not running.told:
            running.told = True
            call = running.leg.call
            why = f"the DTLS handshake was not done within {LIMIT_S:g} s: the peer does not answer it"
            self._feed(call, events.MediaUnprotected(call, why))
