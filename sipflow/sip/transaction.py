"""Transactions: what runs the tables, and what matches messages to them (RFC 3261 section 17).

A transaction knows bytes, states and timers. What a message means is its user's affair: the TU of the RFC, here
anything that follows `ClientUser` or `ServerUser`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from sipflow.sip import transaction_tables as tables
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.ids import MAGIC_COOKIE
from sipflow.sip.message import Headers, Request, Response, parse_message
from sipflow.sip.responses import echo, response_destination, write_response
from sipflow.sip.timers import Timer, TimerProfile, Timers
from sipflow.sip.transaction_tables import Action, Input, State, Table

Destination = Hop
Transmitter = Callable[[bytes, Destination, str | None, bool], None]
"""Takes data, destination, our id of the call that it belongs to, and whether it is a retransmission."""


class ClientUser(Protocol):
    """What a client transaction reports to."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A response that is not a retransmission came (2xx of an INVITE: every one)."""

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No final response will come: 408 after a time-out, 503 after a transport error (section 8.1.3.1) or, without
        a transaction, because there is no address to send to."""


class ServerUser(Protocol):
    """What a server transaction reports to."""

    def ack_received(self, transaction: ServerTransaction, request: Request | None, now: float) -> None:
        """The ACK of our final response came; `request` is given when it came for a 2xx."""

    def response_failed(self, transaction: ServerTransaction, code: int, reason: str, now: float) -> None:
        """No ACK came in time (408) or the response cannot be sent (503)."""


class _Transition:
    """A row made ready to run."""

    __slots__ = ("actions", "keeps_expiry", "keeps_retransmission", "state")

    def __init__(self, state: State, actions: tuple[Any, ...], going_on: set[Input]) -> None:
        self.state = state
        self.actions = actions
        self.keeps_retransmission = bool(going_on & _RETRANSMISSION_TIMERS)
        self.keeps_expiry = bool(going_on & _EXPIRY_TIMERS)


_RETRANSMISSION_TIMERS = {Input.TIMER_100, Input.TIMER_A, Input.TIMER_E, Input.TIMER_G}
_EXPIRY_TIMERS = {item for item in Input if item.name.startswith("TIMER_")} - _RETRANSMISSION_TIMERS
Program = Mapping[tuple[State, Input], _Transition]


class Transaction:
    """What client and server transactions share."""

    __slots__ = ("_expiry", "_interval", "_layer", "_retransmission", "call", "data", "destination", "key", "state")
    program: ClassVar[Program]

    def __init__(self, layer: TransactionLayer, key: Any, destination: Destination, call: str | None) -> None:
        self._layer = layer
        self._retransmission: Timer | None = None
        self._expiry: Timer | None = None
        self._interval = 0.0
        self.key = key
        self.destination = destination
        self.call = call
        """Our id of the call that it belongs to."""
        self.data = b""
        """What is retransmitted: the same bytes each time."""
        self.state = State.INITIAL

    def fire(self, happening: Input, message: Any, now: float) -> None:
        """Run the row for this input; without a row nothing happens."""
        transition = self.program.get((self.state, happening))
        if transition is None:
            return
        self.state = transition.state
        if not transition.keeps_retransmission and self._retransmission is not None:
            self._stop_retransmission()
        if not transition.keeps_expiry and self._expiry is not None:
            self._stop_expiry()
        if transition.state is State.TERMINATED:
            self._layer.forget(self)
        for action in transition.actions:
            action(self, message, now)

    def terminate(self) -> None:
        """End it at once, without a word to its user (section 9.1: a cancelled INVITE that nobody answers)."""
        self.state = State.TERMINATED
        self._stop_retransmission()
        self._stop_expiry()
        self._layer.forget(self)

    def _stop_retransmission(self) -> None:
        self._layer.timers.cancel(self._retransmission)
        self._retransmission = None

    def _stop_expiry(self) -> None:
        self._layer.timers.cancel(self._expiry)
        self._expiry = None

    def _timer_fired(self, name: Input, now: float) -> None:
        self.fire(name, None, now)

    def _retransmit_after(self, name: Input, interval: float, now: float) -> None:
        if self.destination.transport.reliable:
            return
        self._interval = interval
        self._retransmission = self._layer.timers.start(now + interval, self._timer_fired, name)

    def _expire_after(self, name: Input, duration: float, now: float) -> None:
        if self._expiry is not None:
            self._layer.timers.cancel(self._expiry)
        if duration > 0:
            self._expiry = self._layer.timers.start(now + duration, self._timer_fired, name)
        else:
            self.fire(name, None, now)

    def _unless_reliable(self, duration: float) -> float:
        """Nothing of this transaction comes twice by a reliable transport: no need to wait for it."""
        return 0 if self.destination.transport.reliable else duration

    def _send(self, _message: Any, _now: float) -> None:
        self._layer.transmit(self.data, self.destination, self.call, False)

    def _send_again(self, _message: Any, _now: float) -> None:
        if self.data:
            self._layer.transmit(self.data, self.destination, self.call, True)


class ClientTransaction(Transaction):
    """A request that was sent, until nothing of it is expected any more."""

    __slots__ = ("acknowledges", "user")

    def __init__(
        self,
        layer: TransactionLayer,
        key: Any,
        data: bytes,
        destination: Destination,
        user: ClientUser,
        call: str | None,
    ) -> None:
        super().__init__(layer, key, destination, call)
        self.data = data
        self.user: ClientUser | None = user
        self.acknowledges = True
        """Whether a rejected INVITE is acknowledged; who breaks rules on purpose may leave that out."""

    def receive(self, response: Response, now: float) -> None:
        """A response that matches came."""
        self.fire(response_class(response.status_code), response, now)

    def _pass_response(self, response: Response, now: float) -> None:
        if self.user is not None:
            self.user.response_received(self, response, now)

    def _send_ack(self, response: Response, now: float) -> None:
        self.data = acknowledgement(self.data, response) if self.acknowledges else b""
        if self.data:
            self._send(response, now)

    def _inform_timeout(self, _message: Any, now: float) -> None:
        if self.user is not None:
            self.user.request_failed(self, 408, "Request Timeout", now)

    def _inform_transport(self, reason: str, now: float) -> None:
        if self.user is not None:
            self.user.request_failed(self, 503, reason, now)

    def _start_a(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_A, self._layer.profile.t1, now)

    def _back_off_a(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_A, self._interval * 2, now)

    def _start_b(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_B, self._layer.profile.timeout, now)

    def _start_d(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_D, self._unless_reliable(self._layer.profile.d), now)

    def _start_e(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_E, self._layer.profile.t1, now)

    def _back_off_e(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_E, min(self._interval * 2, self._layer.profile.t2), now)

    def _reset_e(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_E, self._layer.profile.t2, now)

    def _start_f(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_F, self._layer.profile.timeout, now)

    def _start_k(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_K, self._unless_reliable(self._layer.profile.t4), now)

    def _start_m(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_M, self._layer.profile.timeout, now)

    def _shrink(self, _message: Any, _now: float) -> None:
        self.user = None
        self.data = b""


class InviteClientTransaction(ClientTransaction):
    """INVITE, and the ACK of a rejection (section 17.1.1)."""

    __slots__ = ()

    def _shrink(self, _message: Any, _now: float) -> None:
        self.user = None  # the data is the ACK by now, and is sent once more for each repeated response


class ServerTransaction(Transaction):
    """A request that was received, until its retransmissions have died out."""

    __slots__ = ("echo", "merge_key", "request", "user")

    def __init__(self, layer: TransactionLayer, key: Any, request: Request, source: Destination) -> None:
        super().__init__(layer, key, response_destination(request, source), None)
        self.request: Request | None = request
        """None once a final response makes it unnecessary."""
        self.user: ServerUser | None = None
        self.merge_key: Any = None
        self.echo = echo(request, source)
        """Header lines that its responses copy from it; empty after the final one."""

    def reply(self, now: float, code: int, reason: str | None, to: str, lines: str = "", body: bytes = b"") -> None:
        """Send a response; `to` is the To value with its tag, `lines` are whole header lines."""
        self.data = self._layer.alter(write_response(code, reason, self.echo, to, lines, body))
        if code >= 200:
            self.request, self.echo = None, ""
        self.fire(response_class(code), None, now)

    def pass_on(self, code: int, data: bytes, now: float) -> None:
        """Send a response that somebody else made."""
        self.data = data
        if code >= 200:
            self.request, self.echo = None, ""
        self.fire(response_class(code), None, now)

    @property
    def answered_well(self) -> bool:
        """Whether a 2xx was sent: an ACK is then for somebody else."""
        return self.state is State.ACCEPTED

    def forget_answer(self) -> None:
        """Its 2xx needs no repeating: from here on it only absorbs the INVITE's retransmissions (RFC 6026)."""
        self.user, self.data = None, b""

    def reply_again(self, now: float) -> None:
        """Send the last 2xx once more (section 13.3.1.4)."""
        self.fire(Input.SUCCESS, None, now)

    def send_provisional_again(self, data: bytes) -> None:
        """Send a provisional response of before once more, while the INVITE waits (RFC 3262 section 3)."""
        if self.state is State.PROCEEDING:
            self._layer.transmit(data, self.destination, self.call, True)

    def _send_trying(self, _message: Any, now: float) -> None:
        assert self.request is not None, "the request is kept until a final response is sent"
        self.data = write_response(100, "Trying", self.echo, self.request.headers.get("To") or "")
        self._send(None, now)

    def _pass_ack(self, request: Request, now: float) -> None:
        if self.user is not None:
            self.user.ack_received(self, request, now)

    def _inform_confirmed(self, _message: Any, now: float) -> None:
        if self.user is not None:
            self.user.ack_received(self, None, now)

    def _inform_timeout(self, _message: Any, now: float) -> None:
        if self.user is not None:
            self.user.response_failed(self, 408, "no ACK came", now)

    def _inform_transport(self, reason: str, now: float) -> None:
        if self.user is not None:
            self.user.response_failed(self, 503, reason, now)

    def _start_100(self, message: Any, now: float) -> None:
        wait = self._layer.profile.trying
        if wait > 0:
            self._retransmission = self._layer.timers.start(now + wait, self._timer_fired, Input.TIMER_100)
        else:
            self._send_trying(message, now)

    def _stop_100(self, _message: Any, _now: float) -> None:
        self._stop_retransmission()

    def _start_g(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_G, self._layer.profile.t1, now)

    def _back_off_g(self, _message: Any, now: float) -> None:
        self._retransmit_after(Input.TIMER_G, min(self._interval * 2, self._layer.profile.t2), now)

    def _start_h(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_H, self._layer.profile.timeout, now)

    def _start_i(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_I, self._unless_reliable(self._layer.profile.t4), now)

    def _start_j(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_J, self._unless_reliable(self._layer.profile.timeout), now)

    def _start_l(self, _message: Any, now: float) -> None:
        self._expire_after(Input.TIMER_L, self._layer.profile.timeout, now)

    def _shrink(self, _message: Any, _now: float) -> None:
        self.user = self.request = None


class InviteServerTransaction(ServerTransaction):
    """A received INVITE (section 17.2.1)."""

    __slots__ = ()


def response_class(code: int) -> Input:
    """The input that a status code is to a transaction."""
    if code < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if code < 300 else Input.FAILURE


def acknowledgement(invite: bytes, response: Response) -> bytes:
    """The ACK of a rejected INVITE: same branch, same route, the response's To (section 17.1.1.3)."""
    return _derived(invite, "ACK", response.headers.get("To")).to_bytes()


def cancellation(invite: bytes, lines: str = "") -> bytes:
    """The CANCEL of an INVITE that was sent (section 9.1), with these header lines added."""
    data = _derived(invite, "CANCEL", None).to_bytes()
    return data[:-2] + lines.encode("utf-8", "surrogateescape") + b"\r\n" if lines else data


def _derived(invite: bytes, method: str, to: str | None) -> Request:
    original = parse_message(invite)
    assert isinstance(original, Request), "made here, so it reads as what it is"
    fields = [("Via", original.headers.values("Via")[0])]
    fields += [("Route", route) for route in original.headers.get_all("Route")]
    fields += [(name, original.headers.get(name) or "") for name in ("Max-Forwards", "From", "Call-ID")]
    fields += [("To", to or original.headers.get("To") or ""), ("CSeq", f"{original.cseq.number} {method}")]
    return Request(method, original.uri, Headers(fields))


def _compile(table: Table, implementation: type[Transaction]) -> Program:
    rows = table.lookup()
    expected: dict[State, set[Input]] = {state: set() for state in table.states()}
    for state, happening in rows:
        expected[state].add(happening)
    return {
        (state, happening): _Transition(
            following,
            tuple(_implement(implementation, action) for action in actions),
            expected[state] & expected[following],
        )
        for (state, happening), (following, actions) in rows.items()
    }


_METHODS = {
    Action.SEND_REQUEST: "_send",
    Action.RESEND_REQUEST: "_send_again",
    Action.SEND_RESPONSE: "_send",
    Action.RESEND_RESPONSE: "_send_again",
}


def _implement(implementation: type[Transaction], action: Action) -> Any:
    return getattr(implementation, _METHODS.get(action) or f"_{action.name.lower()}")


ClientTransaction.program = _compile(tables.NON_INVITE_CLIENT, ClientTransaction)
InviteClientTransaction.program = _compile(tables.INVITE_CLIENT, InviteClientTransaction)
ServerTransaction.program = _compile(tables.NON_INVITE_SERVER, ServerTransaction)
InviteServerTransaction.program = _compile(tables.INVITE_SERVER, InviteServerTransaction)


class TransactionLayer:
    """All transactions of one user agent and the rules that match messages to them.

    By a transport that repeats what was lost (TCP, TLS, WebSocket) there are no timers A, E and G; D, I, J and K are
    zero.
    """

    def __init__(
        self, timers: Timers, profile: TimerProfile, transmit: Transmitter, alter: Callable[[bytes], bytes] = bytes
    ) -> None:
        self.timers = timers
        self.profile = profile
        self.transmit = transmit
        self.alter = alter
        """Gives responses their last shape; `bytes` leaves them as they are."""
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.servers: dict[Any, ServerTransaction] = {}
        self._merge_keys: dict[tuple[str, str, str], ServerTransaction] = {}

    def __len__(self) -> int:
        return len(self.clients) + len(self.servers)

    def send_request(
        self,
        method: str,
        branch: str,
        data: bytes,
        destination: Destination,
        user: ClientUser,
        call: str | None,
        now: float,
    ) -> ClientTransaction:
        """Start a client transaction: the request is sent at once."""
        key = (branch, method)
        kind = InviteClientTransaction if method == "INVITE" else ClientTransaction
        transaction = self.clients[key] = kind(self, key, data, destination, user, call)
        transaction.fire(Input.START, None, now)
        return transaction

    def find_client(self, response: Response) -> ClientTransaction | None:
        """Section 17.1.3: the branch, and the method in CSeq because a CANCEL has its INVITE's branch."""
        return self.clients.get((response.branch, response.cseq.method))

    def find_server(self, request: Request, method: str | None = None) -> ServerTransaction | None:
        """Section 17.2.3; `method` INVITE finds the transaction that a CANCEL is about."""
        return self.servers.get(_server_key(request, method or request.method))

    def open_server(self, request: Request, source: Destination, now: float) -> ServerTransaction:
        """Start a server transaction for a request that matches none."""
        key = _server_key(request, request.method)
        kind = InviteServerTransaction if request.method == "INVITE" else ServerTransaction
        transaction = self.servers[key] = kind(self, key, request, source)
        if not request.to_tag:
            transaction.merge_key = (request.call_id, request.from_tag, request.headers.get("CSeq") or "")
            self._merge_keys.setdefault(transaction.merge_key, transaction)
        transaction.fire(Input.START, None, now)
        return transaction

    def is_merged(self, transaction: ServerTransaction) -> bool:
        """Whether its request came by another path before (section 8.2.2.2)."""
        return transaction.merge_key is not None and self._merge_keys[transaction.merge_key] is not transaction

    def forget(self, transaction: Transaction) -> None:
        """Drop a terminated transaction."""
        if isinstance(transaction, ServerTransaction):
            self.servers.pop(transaction.key, None)
            if self._merge_keys.get(transaction.merge_key) is transaction:
                del self._merge_keys[transaction.merge_key]
        else:
            self.clients.pop(transaction.key, None)

    def transport_failed(self, destination: Destination, reason: str, now: float) -> None:
        """Every transaction that sends to this address learns that it cannot (section 18.4)."""
        everything: list[Transaction] = [*self.clients.values(), *self.servers.values()]
        for transaction in everything:
            if transaction.destination == destination:
                transaction.fire(Input.TRANSPORT_ERROR, reason, now)

    def datagram_refused(self, destination: Destination, quoted: bytes, reason: str, now: float) -> None:
        """ICMP says that what begins with `quoted` did not get there (section 18.4). It counts for the request that it
        quotes only, so that neither a forged message nor one about an earlier datagram ends anything else; when it
        quotes nothing, for all requests that are sent there. Responses are sent again until they are acknowledged."""
        quoting = [each for each in self.clients.values() if each.data.startswith(quoted)]
        for transaction in quoting:
            at = transaction.destination
            if at.transport is Transport.UDP and at[:2] == destination[:2]:
                transaction.fire(Input.TRANSPORT_ERROR, reason, now)


def _server_key(request: Request, method: str) -> Any:
    known_as = "INVITE" if method == "ACK" else method
    branch = request.branch
    if branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return branch, request.via.sent_by, known_as
    # RFC 2543 clients, and those that write the cookie and nothing else: no branch to trust, so what section 17.2.3
    # compares, except the To tag, which an ACK has only because our response gave it.
    return request.uri, request.from_tag, request.call_id, request.cseq.number, request.headers.get("Via"), known_as
