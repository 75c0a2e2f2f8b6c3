"""Digits by whichever way: those that INFO carries, and each digit that comes by two ways told once."""

from __future__ import annotations

from sipflow.events import DtmfReceived, RequestReceived

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
SAME_S = 1.0
"""Two ways of one digit are never further apart: a jitter buffer holds audio back, a proxy holds INFO back."""
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_DIGITS = frozenset("0123456789*#ABCD")


def info_body(digit: str, duration_ms: float) -> str:
    """The body of an INFO in `application/dtmf-relay`, as most gateways understand it."""
    return f"Signal={digit}\r\nDuration={round(duration_ms)}\r\n"


def digit_of(request: RequestReceived) -> DtmfReceived | None:
    """The digit that an INFO carries, None when it carries none that a telephone has."""
    kind = next((value for name, value in request.headers if name.lower() in ("content-type", "c")), "")
    kind = kind.partition(";")[0].strip().lower()
    if request.method != "INFO" or request.call is None or kind not in (RELAY, PLAIN):
        return None
    fields = {"signal": request.body.strip()} if kind == PLAIN else _fields(request.body)
    signal = fields.get("signal", "").upper()
    digit = _NUMBERED.get(signal, signal)
    duration = fields.get("duration", "")
    if digit not in _DIGITS:
        return None
    return DtmfReceived(request.call, digit, int(duration) if duration.isascii() and duration.isdigit() else 0, "info")


def _fields(body: str) -> dict[str, str]:
    lines = (line.partition("=") for line in body.replace("\r", "\n").split("\n"))
    return {name.strip().lower(): value.strip()[:8] for name, sign, value in lines if sign}


class DigitMerger:
    """Lets each digit through once: who sends it both as an event and in the audio pressed one key."""

    def __init__(self) -> None:
        self._alone: dict[str, list[tuple[float, DtmfReceived]]] = {}

    def admit(self, digit: DtmfReceived, now: float) -> bool:
        """Whether this is a digit, and not another way of one that was told."""
        recent = [one for one in self._alone.get(digit.call, ()) if now - one[0] <= SAME_S]
        twin = next((one for one in recent if one[1].digit == digit.digit and one[1].via != digit.via), None)
        if twin is None:
            recent.append((now, digit))
        else:
            recent.remove(twin)
        self._alone[digit.call] = recent
        return twin is None

    def forget(self, call: str) -> None:
        """The call is over."""
        self._alone.pop(call, None)
