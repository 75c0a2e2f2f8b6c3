"""Numbers that wrap, and who is sending (RFC 3550 appendix A.1)."""

from __future__ import annotations

MAX_DROPOUT = 3000
MAX_MISORDER = 100


def wrapped_delta(later: int, earlier: int, bits: int) -> int:
    """How far `later` is ahead on a circle of 2**bits numbers, as a signed number."""
    half = 1 << (bits - 1)
    return (later - earlier + half) % (1 << bits) - half


def extend(reference: int, number: int, bits: int) -> int:
    """The unwrapped number nearest to `reference` that ends in the bits of `number`."""
    return reference + wrapped_delta(number, reference, bits)


def ns_from_ts(duration_ts: int, clock_rate: int) -> int:
    """Clock units in ns, rounded towards zero."""
    ns = abs(duration_ts) * 1_000_000_000 // clock_rate
    return ns if duration_ts >= 0 else -ns


def ts_from_ns(duration_ns: int, clock_rate: int) -> int:
    """Nanoseconds in clock units, rounded towards zero."""
    ts = abs(duration_ns) * clock_rate // 1_000_000_000
    return ts if duration_ns >= 0 else -ts


class Source:
    """Follows a sender; `track` says first, continued, pending or restarted, and the unwrapped sequence number."""

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self.highest = 0
        self.candidate: tuple[int, int] | None = None

    def track(self, ssrc: int, sequence_number: int) -> tuple[str, int]:
        if self.ssrc is None:
            return self._begin(ssrc, sequence_number, "first")
        step = wrapped_delta(sequence_number, self.highest, 16)
        if ssrc == self.ssrc and ((sequence_number - self.highest) % 65536 < MAX_DROPOUT or -MAX_MISORDER <= step < 0):
            self.candidate = None
            self.highest = max(self.highest, self.highest + step)
            return "continued", self.highest if step > 0 else self.highest + step
        if self.candidate == (ssrc, (sequence_number - 1) % 65536):
            return self._begin(ssrc, sequence_number, "restarted")
        self.candidate = (ssrc, sequence_number)
        return "pending", 0

    def _begin(self, ssrc: int, sequence_number: int, verdict: str) -> tuple[str, int]:
        self.ssrc, self.highest, self.candidate = ssrc, sequence_number, None
        return verdict, sequence_number
