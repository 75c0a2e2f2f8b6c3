"""Both sides of calls that stay up for a while, with media or without, for the benches that hold many at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.sip_calls import HOST, Side
from sipflow import events
from sipflow.media import Leg, MediaEngine, PromptStore
from sipflow.media_params import Direction, RtpFormat
from sipflow.sdp.negotiate import LocalMedia

PCMA = RtpFormat("PCMA", 8)
PTIME_MS = 20
DISCARD_PORT = 9
"""Where calls without media say that they receive it."""
FIRST_PORT, LAST_PORT = 10_000, 31_999
"""Below the ports that the kernel gives away."""
MOST_TOLD = 10


class HeldSide(Side):
    """Calls with a leg each that plays for ever, when there is an engine; and hands everything back at their end."""

    def __init__(self, name: str, engine: MediaEngine | None = None) -> None:
        super().__init__(name)
        self.engine = engine
        self.legs: dict[str, Leg] = {}
        self.active = self.lost = 0
        self.losses: list[str] = []
        """What was lost of each of the first calls that lost anything."""
        self.prompt = None if engine is None else PromptStore().tone(440, None, PCMA)

    def local_media(self, call: str, direction: Direction = Direction.SENDRECV) -> LocalMedia:
        """The local side of a call, its leg opened."""
        if self.engine is None:
            return LocalMedia(HOST, DISCARD_PORT, (PCMA,), PTIME_MS, direction)
        leg = self.legs[call] = self.engine.open_leg(call, HOST, FIRST_PORT, LAST_PORT)
        return LocalMedia(HOST, leg.port, (PCMA,), PTIME_MS, direction)

    def take(self, payload: events.Payload) -> None:
        """Start what was negotiated, close what is over."""
        match payload:
            case events.MediaNegotiated(call=call, params=params) if call in self.legs:
                self.legs[call].start(params)
                assert self.prompt is not None, "there are legs, so there is an engine"
                self.legs[call].play(self.prompt, 1, times=None)
            case events.CallReleased(call=call):
                self.active -= 1
                self._close(call)
            case _:
                pass

    def _close(self, call: str) -> None:
        leg = self.legs.pop(call, None)
        if leg is not None:
            counted = leg.statistics()
            self.lost += counted.packets_lost or 0
            if counted.packets_lost and len(self.losses) < MOST_TOLD:
                self.losses.append(f"{call}: {counted.packets_lost} lost of {counted.packets_expected}")
            leg.close()


class HeldCaller(HeldSide):
    """Places calls and, after `hold_s`, hangs up; None: never."""

    def __init__(self, name: str, engine: MediaEngine | None = None, hold_s: float | None = None) -> None:
        super().__init__(name, engine)
        self.hold_s = hold_s
        self.placed = self.answered = 0
        self.hanging_up: dict[str, asyncio.TimerHandle] = {}

    def call(self, target: str, direction: Direction = Direction.SENDRECV) -> None:
        """Place the next call."""
        self.placed += 1
        self.active += 1
        name = f"c-{self.placed}"
        self.agent.invite(name, target, self.local_media(name, direction), self.loop.time())
        self.pump()

    def take(self, payload: events.Payload) -> None:
        """Count what became of it."""
        super().take(payload)
        match payload:
            case events.CallAnswered(call=call):
                self.answered += 1
                if self.hold_s is not None:
                    self.hanging_up[call] = self.loop.call_later(self.hold_s, self._hang_up, call)
            case events.CallReleased(call=call, code=code):
                if (timer := self.hanging_up.pop(call, None)) is not None:
                    timer.cancel()  # it ended by itself
                self.completed += code == 200
                self.failed += code != 200
            case events.CallRejected():
                self.failed += 1
            case _:
                pass

    def _hang_up(self, call: str) -> None:
        self.agent.release(call, self.loop.time())
        self.pump()

    async def place_evenly(self, calls: int, rate: float, target: str) -> None:
        """An open loop: call n at n / rate."""
        started = self.loop.time()
        for number in range(calls):
            if (early := started + number / rate - self.loop.time()) > 0:
                await asyncio.sleep(early)
            self.call(target)


class HeldCallee(HeldSide):
    """Rings, answers, and stays until the BYE."""

    def take(self, payload: events.Payload) -> None:
        """A call: 180 and 200."""
        super().take(payload)
        if isinstance(payload, events.CallIncoming):
            self.active += 1
            now = self.loop.time()
            self.agent.ring(payload.call, now)
            self.agent.answer(payload.call, self.local_media(payload.call), now)


def status_kb(pid: int | str, field: str = "VmRSS") -> int:
    """Memory of a process, by the name that the kernel has for it."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0])
