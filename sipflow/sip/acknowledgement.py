"""The 2xx of an INVITE and its ACK: user agents carry them end to end themselves (RFC 3261 section 13)."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.sip.bodies import CONTENT_TYPE
from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.dialog import Dialog, dialog_of_response
from sipflow.sip.exchange import Exchange
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request, Response
from sipflow.sip.requests import write_request
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ServerTransaction

Acknowledged = Callable[[Request, float], None]
Unanswered = Callable[[int, str, float], None]


class AnswerAwaitingAck:
    """A 2xx of ours that is repeated until its ACK comes or 64*T1 have passed (section 13.3.1.4)."""

    __slots__ = (
        "_acknowledged",
        "_core",
        "_cseq",
        "_expiry",
        "_interval",
        "_repeat",
        "_transaction",
        "_unanswered",
        "_waiting",
    )

    def __init__(
        self,
        core: Core,
        waiting: dict[int, AnswerAwaitingAck],
        transaction: ServerTransaction,
        cseq: int,
        now: float,
        acknowledged: Acknowledged,
        unanswered: Unanswered,
    ) -> None:
        self._core = core
        self._waiting = waiting
        self._transaction = transaction
        self._cseq = cseq
        self._acknowledged = acknowledged
        self._unanswered = unanswered
        self._interval = core.config.timers.t1
        self._repeat: Timer = core.timers.start(now + self._interval, self._repeat_answer)
        self._expiry: Timer = core.timers.start(now + core.config.timers.timeout, self._expire)
        transaction.user = self
        waiting[cseq] = self

    def give_up(self) -> None:
        """Stop repeating: the ACK came, or the call is over."""
        self._core.timers.cancel(self._repeat)
        self._core.timers.cancel(self._expiry)
        self._transaction.forget_answer()
        self._waiting.pop(self._cseq, None)

    def acknowledge(self, request: Request, now: float) -> None:
        """The ACK came."""
        self.give_up()
        self._acknowledged(request, now)

    def ack_received(self, transaction: ServerTransaction, request: Request | None, now: float) -> None:
        """An ACK came with the INVITE's own branch, which is wrong for a 2xx but plain in its meaning."""
        if request is not None:
            self.acknowledge(request, now)

    def response_failed(self, transaction: ServerTransaction, code: int, reason: str, now: float) -> None:
        """The 2xx cannot be sent."""
        self.give_up()
        self._unanswered(code, reason, now)

    def _repeat_answer(self, _argument: object, now: float) -> None:
        self._transaction.reply_again(now)
        self._interval = min(self._interval * 2, self._core.config.timers.t2)
        self._repeat = self._core.timers.start(now + self._interval, self._repeat_answer)

    def _expire(self, _argument: object, now: float) -> None:
        self.give_up()
        self._unanswered(408, "no ACK came", now)


class Acknowledger:
    """What is left of an INVITE of ours once it was answered: it repeats the ACK for each 2xx that comes again.

    An answer of another branch of a fork is acknowledged, and its dialog ended at once, because our media has one
    peer (section 13.2.2.4 leaves both to us).
    """

    __slots__ = ("_acks", "_call", "_core", "_credentials", "_silent")

    def __init__(self, core: Core, call: str, exchange: Exchange | None = None) -> None:
        credentials = "" if exchange is None else exchange.credentials
        self._silent = exchange is not None and exchange.no_ack
        self._core = core
        self._call = call
        self._credentials = credentials
        self._acks: dict[str, tuple[bytes, Hop] | None] = {}
        """By To tag: what is sent again; None while the name of the next hop is being looked up."""

    def acknowledge(
        self, transaction: ClientTransaction, dialog: Dialog, cseq: int, now: float, body: bytes = b""
    ) -> None:
        """Send the first ACK of a dialog, and be there for the repetitions."""
        self._acks[dialog.remote_tag] = None
        transaction.user, transaction.data = self, b""  # an INVITE that was answered is never sent again
        if self._silent:
            return

        def send(hop: Hop, _now: float) -> None:
            ack = self._write(dialog, cseq, hop, body)
            self._acks[dialog.remote_tag] = ack, hop
            self._core.transmit(ack, hop, self._call)

        self._core.find_hop(dialog.next_hop, transaction.destination, send, now)

    def _write(self, dialog: Dialog, cseq: int, hop: Hop, body: bytes) -> bytes:
        """The ACK of a 2xx: a request of the dialog with number and credentials of the INVITE (section 13.2.2.4)."""
        templates, branch = self._core.templates_for(hop), self._core.ids.branch()
        lines = self._credentials + templates.request + (f"Content-Type: {CONTENT_TYPE}\r\n" if body else "")
        return write_request("ACK", dialog.request_uri, templates.via, branch, dialog.identity, cseq, lines, body)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A 2xx came again, or from another branch."""
        if response.to_tag not in self._acks:
            self.decline(transaction, response, now)
            return
        self._core.statistics.retransmissions_received += 1
        known = self._acks[response.to_tag]
        if known is not None:
            self._core.transmit(*known, self._call, True)

    def decline(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Acknowledge an answer and hang up on it."""
        dialog = dialog_of_response(response, "")
        dialog.fallback = transaction.destination
        if not dialog.remote_target:
            dialog.remote_target = response.to.uri
        self.acknowledge(transaction, dialog, dialog.local_cseq, now)
        self._core.send_in_dialog("BYE", dialog, INDIFFERENT, self._call, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """The INVITE is through."""
