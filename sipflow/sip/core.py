"""What all parts of a user agent share: configuration, identifiers, timers, transactions, calls, and the way out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sipflow.errors import MisuseError
from sipflow.events import Payload, SipSent
from sipflow.sip.config import UserAgentConfig
from sipflow.sip.dialog import Dialog, DialogKey
from sipflow.sip.ids import Ids
from sipflow.sip.message import Response
from sipflow.sip.outputs import Output, Transmit
from sipflow.sip.requests import Templates, write_request
from sipflow.sip.timers import Timers
from sipflow.sip.transaction import ClientTransaction, ClientUser, TransactionLayer

if TYPE_CHECKING:
    from sipflow.sip.call import Call


@dataclass(slots=True)
class Statistics:
    """Counters of one user agent since it was made."""

    messages_sent: int = 0
    messages_received: int = 0
    retransmissions_sent: int = 0
    retransmissions_received: int = 0
    parse_failures: int = 0
    stray_messages: int = 0
    """Responses without transaction, ACK without dialog."""
    calls_placed: int = 0
    calls_received: int = 0


class Core:
    """The common ground of one user agent's parts."""

    def __init__(self, config: UserAgentConfig, source: random.Random, new_call_id: Callable[[], str]) -> None:
        self.config = config
        self.random = source
        self.new_call_id = new_call_id
        self.ids = Ids(source, config.host)
        self.templates = Templates(config)
        self.timers = Timers()
        self.outputs: list[Output] = []
        self.statistics = Statistics()
        self.transactions = TransactionLayer(self.timers, config.timers, self.transmit)
        self.calls: dict[str, Call] = {}
        self.dialogs: dict[DialogKey, Call] = {}
        self.ended: dict[str, Call] = {}
        """Calls that are over, oldest first, no more than the configuration wants kept."""
        self.closing = False
        self._trace = config.trace

    def emit(self, payload: Payload) -> None:
        """Report an event."""
        self.outputs.append(payload)

    def transmit(
        self, data: bytes, destination: tuple[str, int], call: str | None, retransmission: bool = False
    ) -> None:
        """Hand a datagram to the driver."""
        self.outputs.append(Transmit(data, destination))
        self.statistics.messages_sent += 1
        if retransmission:
            self.statistics.retransmissions_sent += 1
        if self._trace:
            self.outputs.append(SipSent(call, data, destination, retransmission))

    def call(self, call: str) -> Call:
        """The call of that id; MisuseError when there is none, or none any more."""
        try:
            return self.calls[call]
        except KeyError:
            why = "is over" if call in self.ended else "does not exist"
            raise MisuseError(f"call {call} {why}") from None

    def send_in_dialog(
        self,
        method: str,
        dialog: Dialog,
        user: ClientUser,
        call: str | None,
        now: float,
        lines: str = "",
        body: bytes = b"",
    ) -> ClientTransaction | None:
        """Send a request in a dialog; None, and 503 to the user, when there is no address to send it to."""
        branch = self.ids.branch()
        cseq = dialog.next_cseq()
        destination = dialog.destination
        if destination is None:
            user.request_failed(None, 503, NEEDS_DNS, now)
            return None
        template = self.templates.dialog_request if method in _TARGET_REFRESH else self.templates.request
        data = write_request(
            method,
            dialog.request_uri,
            self.templates.via,
            branch,
            dialog.identity,
            cseq,
            lines or template,
            body,
        )
        return self.transactions.send_request(method, branch, data, destination, user, call, now)


NEEDS_DNS = "needs DNS"
"""Reason of the local 503 for a target that is no address: looking names up is the driver's affair."""

_TARGET_REFRESH = frozenset({"INVITE", "REFER", "UPDATE", "SUBSCRIBE", "NOTIFY"})


class Indifferent:
    """The user of a request whose outcome changes nothing."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Nobody asked."""

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody asked."""


INDIFFERENT = Indifferent()
