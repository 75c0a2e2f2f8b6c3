"""Who pressed what, from telephone-event packets (RFC 4733): the receiver of sfm_dtmf_event.h in Python."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from twins.sequence import wrapped_delta

DIGITS = "0123456789*#ABCD"
SEGMENT_TS = 0xFFFF
STRAY_TS = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """One packet."""

    sequence_number: int
    timestamp: int
    code: int
    duration_ts: int
    end: bool = False
    marker: bool = False

    @property
    def payload(self) -> bytes:
        return bytes([self.code, self.end << 7 | 10]) + self.duration_ts.to_bytes(2)


@dataclass(slots=True)
class Heard:
    """One digit and the timestamps of its segments."""

    code: int
    timestamp: int
    last_timestamp: int
    duration_ts: int
    sequence_number: int
    ended: bool
    before_ts: int = 0

    def contains(self, e: Event) -> bool:
        length = wrapped_delta(self.last_timestamp, self.timestamp, 32)
        return e.code == self.code and 0 <= wrapped_delta(e.timestamp, self.timestamp, 32) <= length


class Receiver:
    """`put` gives (kind, digit, duration) for a digit that began or ended, else None."""

    def __init__(self) -> None:
        self.heard: deque[Heard] = deque(maxlen=16)

    def put(self, e: Event) -> tuple[str, str, int] | None:
        if e.code > 15:
            return None
        heard = next((h for h in reversed(self.heard) if h.contains(e)), None) or self._continued(e)
        if heard is not None:
            return self._again(heard, e)
        behind = [wrapped_delta(h.timestamp, e.timestamp, 32) for h in self.heard]
        if len(behind) == 16 and all(0 < distance <= STRAY_TS for distance in behind):
            return None
        self.heard.append(Heard(e.code, e.timestamp, e.timestamp, e.duration_ts, e.sequence_number, e.end))
        return "began", DIGITS[e.code], e.duration_ts

    def _continued(self, e: Event) -> Heard | None:
        newest = self.heard[-1] if self.heard else None
        if newest is None or e.marker or newest.code != e.code:
            return None
        step = wrapped_delta(e.timestamp, newest.last_timestamp, 32)
        if step in range(SEGMENT_TS, 256 * SEGMENT_TS + 1, SEGMENT_TS) and not newest.ended:
            newest.before_ts += step
            newest.duration_ts = 0
        elif not (
            e.sequence_number == (newest.sequence_number + 1) % 65536
            and (e.end or not newest.ended)
            and 0 < step <= e.duration_ts
        ):
            return None
        newest.last_timestamp = e.timestamp
        return newest

    def _again(self, heard: Heard, e: Event) -> tuple[str, str, int] | None:
        ends = e.end and not heard.ended
        heard.ended = heard.ended or e.end
        if e.timestamp == heard.last_timestamp:
            heard.duration_ts = max(heard.duration_ts, e.duration_ts)
        if wrapped_delta(e.sequence_number, heard.sequence_number, 16) > 0:
            heard.sequence_number = e.sequence_number
        return ("ended", DIGITS[heard.code], heard.before_ts + heard.duration_ts) if ends else None
