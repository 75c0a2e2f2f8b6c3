"""Provisional responses that are acknowledged: 100rel and PRACK (RFC 3262)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sipflow.sip.bodies import CONTENT_TYPE
from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.dialog import Dialog
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.requests import Templates
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ServerTransaction
from sipflow.values import dataclass

OPTION = "100rel"
_LARGEST_FIRST = 2**31 - 1
"""Section 3: the first RSeq is below 2**31, so that it can grow."""


@dataclass(frozen=True, slots=True)
class RAck:
    """What a PRACK acknowledges (section 7.2)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def of(cls, request: Request) -> RAck | None:
        """The RAck header of a PRACK, None when it has none that can be read."""
        match (request.headers.get("RAck") or "").split():
            case [rseq, cseq, method] if _is_number(rseq) and _is_number(cseq):
                return cls(int(rseq), int(cseq), method.upper())
            case _:
                return None

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def names_option(message: Message, header: str, option: str) -> bool:
    """Whether a Supported or Require header has this option tag."""
    return header in message.headers and option in [tag.lower() for tag in message.headers.values(header)]


def wanted_by(core: Core, request: Request) -> bool:
    """Whether provisional responses to this INVITE go out reliably."""
    match core.config.provisional:
        case "off":
            return False
        case "required":
            return names_option(request, "Supported", OPTION) or names_option(request, "Require", OPTION)
        case _:
            return names_option(request, "Require", OPTION)


def is_missing(core: Core, request: Request) -> bool:
    """Whether we insist on an extension that the caller does not have: 421 (RFC 3261 section 21.4.15)."""
    return core.config.provisional == "required" and not wanted_by(core, request)


# --- as the callee ---


@dataclass(frozen=True, slots=True)
class _Provisional:
    """A response that is sent or will be."""

    code: int
    lines: str
    body: bytes


class ReliableProvisionals:
    """The reliable provisional responses to one INVITE: one at a time, in order, each repeated until its PRACK comes
    (section 3)."""

    __slots__ = (
        "_core",
        "_cseq",
        "_data",
        "_expiry",
        "_interval",
        "_queue",
        "_repeat",
        "_rseq",
        "_to",
        "_transaction",
        "_unacknowledged",
        "_unanswered",
    )

    def __init__(
        self, core: Core, transaction: ServerTransaction, cseq: int, to: str, unanswered: Callable[[float], None]
    ) -> None:
        self._core = core
        self._transaction = transaction
        self._cseq = cseq
        self._to = to
        self._unanswered = unanswered
        self._rseq = core.random.randint(1, _LARGEST_FIRST) - 1
        self._queue: deque[_Provisional] = deque()
        self._unacknowledged: _Provisional | None = None
        self._data = b""
        self._interval = 0.0
        self._repeat: Timer | None = None
        self._expiry: Timer | None = None

    @property
    def described(self) -> bool:
        """Whether a session description is on its way without its PRACK: no 2xx may be sent until then (section 3)."""
        waiting = [self._unacknowledged] if self._unacknowledged is not None else []
        return any(each.body for each in (*waiting, *self._queue))

    @property
    def is_description_out(self) -> bool:
        """Whether the response that waits for its PRACK has a session description."""
        return self._unacknowledged is not None and bool(self._unacknowledged.body)

    def send(self, code: int, lines: str, body: bytes, now: float) -> None:
        """Send a response, or keep it until those before it are acknowledged."""
        self._queue.append(_Provisional(code, lines, body))
        if self._unacknowledged is None:
            self._send_next(now)

    def is_acknowledged_by(self, rack: RAck | None) -> bool:
        """Whether that is the response which waits for its PRACK."""
        return rack == RAck(self._rseq, self._cseq, "INVITE") and self._unacknowledged is not None

    def acknowledge(self, now: float) -> None:
        """The PRACK came: the next one goes."""
        self._unacknowledged = None
        self._stop_timers()
        if self._queue:
            self._send_next(now)

    def stop(self) -> None:
        """A final response was sent: nothing is repeated any more, a PRACK on its way is still known."""
        self._queue.clear()
        self._stop_timers()

    def _send_next(self, now: float) -> None:
        response = self._unacknowledged = self._queue.popleft()
        self._rseq += 1
        lines = f"Require: {OPTION}\r\nRSeq: {self._rseq}\r\n{response.lines}"
        self._transaction.reply(now, response.code, None, self._to, lines, response.body)
        self._data = self._transaction.data
        timers, self._interval = self._core.config.timers, self._core.config.timers.t1
        self._repeat = self._core.timers.start(now + self._interval, self._send_again)
        self._expiry = self._core.timers.start(now + timers.timeout, self._expire)

    def _send_again(self, _argument: object, now: float) -> None:
        """Unlike a 2xx it is repeated ever more seldom: the interval doubles without a limit."""
        self._transaction.send_provisional_again(self._data)
        self._interval *= 2
        self._repeat = self._core.timers.start(now + self._interval, self._send_again)

    def _expire(self, _argument: object, now: float) -> None:
        self.stop()
        self._unanswered(now)

    def _stop_timers(self) -> None:
        self._core.timers.cancel(self._repeat)
        self._core.timers.cancel(self._expiry)


# --- as the caller ---


def rseq_of(response: Response) -> int | None:
    """Number of a provisional response that wants a PRACK; None for all others (section 4)."""
    value = (response.headers.get("RSeq") or "").strip()
    if response.status_code == 100 or not _is_number(value) or not names_option(response, "Require", OPTION):
        return None
    return int(value)


def send_prack(
    core: Core, call: str, dialog: Dialog, response: Response, rseq: int, now: float, answer: bytes = b""
) -> None:
    """Acknowledge a reliable provisional response; `answer` answers the offer that was in it (section 5)."""
    rack = RAck(rseq, response.cseq.number, "INVITE")

    def lines(templates: Templates) -> str:
        described = f"Content-Type: {CONTENT_TYPE}\r\n" if answer else ""
        return f"{templates.request}RAck: {rack}\r\n{described}"

    core.send_in_dialog("PRACK", dialog, INDIFFERENT, call, now, lines, answer)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10
