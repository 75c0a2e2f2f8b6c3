"""One request of a user through as many transactions as it takes until somebody answers it.

The name of its next hop is looked up, the servers behind it are tried in order (RFC 3263 section 4.3), a request that
is too large for a datagram goes by TCP (RFC 3261 section 18.1.1), and a challenge is answered with credentials
(section 22). The user of the exchange sees the responses that remain, as from a single transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sipflow.events import Logged
from sipflow.sip.authenticator import RequestCredentials
from sipflow.sip.destinations import is_made_up, locate, wants_transport
from sipflow.sip.edits import NO_ACK, EditError, apply_parts
from sipflow.sip.hop import Hop, NameQuery, Transport
from sipflow.sip.message import Response
from sipflow.sip.requests import Templates, write_request
from sipflow.sip.transaction import ClientTransaction, ClientUser
from sipflow.sip.warning import reason_with_warnings
from sipflow.values import dataclass

if TYPE_CHECKING:
    from sipflow.sip.core import Core

_NO_LOGIN = "the agent has no user and password to answer it with"

Lines = Callable[[Templates], str]
"""Makes the header lines that do not belong to the dialog, for the transport that is taken."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that can be written for any hop."""

    method: str
    uri: str
    """Request-URI."""
    identity: str
    """Route, From, To and Call-ID lines."""
    lines: Lines
    next_cseq: Callable[[], int]
    body: bytes = b""

    def write(self, templates: Templates, branch: str, cseq: int, credentials: str) -> bytes:
        """The request as bytes."""
        lines = credentials + self.lines(templates)
        return write_request(self.method, self.uri, templates.via, branch, self.identity, cseq, lines, self.body)


class Exchange:
    """A request on its way; it stands between the user and its transactions."""

    __slots__ = (
        "_abandoned",
        "_core",
        "_credentials",
        "_edits",
        "_fallback",
        "_hops",
        "_may_change_transport",
        "_request",
        "_user",
        "call",
        "cseq",
        "transaction",
    )

    def __init__(self, core: Core, request: Outgoing, user: ClientUser, call: str | None) -> None:
        self._core = core
        self._request = request
        self._user = user
        self._hops: list[Hop] = []
        self._fallback: Hop | None = None
        self._may_change_transport = True
        self._abandoned = False
        self._edits = core.edits
        self.call = call
        self.cseq = 0
        """Number of the latest attempt; 0 before the first."""
        self._credentials: RequestCredentials | None = None
        self.transaction: ClientTransaction | None = None
        """The latest attempt; None while its name is being looked up."""

    def start(self, next_hop: str, fallback: Hop | None, now: float) -> None:
        """Send it to the hop that this URI names. `fallback` is tried last: where the peer was heard."""
        self._fallback = fallback
        self._may_change_transport = not wants_transport(next_hop)
        where = locate(next_hop)
        if isinstance(where, NameQuery) and not is_made_up(where.host):
            self._core.look_up(where, self._resolved)
        elif isinstance(where, Hop):
            self._try_in_order((where,), now)
        elif fallback is not None:
            self._try_in_order((), now)
        else:
            problem = f"{where.host} has no address" if isinstance(where, NameQuery) else where
            self._user.request_failed(None, 503, problem, now)

    @property
    def no_ack(self) -> bool:
        """Whether the final response is to be left without its ACK."""
        return any(edit.kind == NO_ACK for edit in self._edits)

    @property
    def credentials(self) -> str:
        """Authorization lines of the latest attempt: the ACK of a 2xx repeats them (section 22.1)."""
        return "" if self._credentials is None else self._credentials.lines

    def reason_of(self, response: Response) -> str:
        """The reason of a final response, for a person: with a challenge, why it was not answered, too."""
        if response.status_code not in (401, 407):
            return reason_with_warnings(response)
        problem = _NO_LOGIN if self._credentials is None else self._credentials.problem
        return f"{response.reason_phrase} ({problem})" if problem else response.reason_phrase

    def abandon(self) -> None:
        """No further attempt: the one that is out, if any, is the last, and its outcome is the user's as it comes."""
        self._abandoned = True
        self._hops.clear()

    # --- attempts ---

    def _resolved(self, hops: tuple[Hop, ...], problem: str, now: float) -> None:
        if self._abandoned:
            return
        if hops or self._fallback is not None:
            self._try_in_order(hops, now)
        else:
            self._user.request_failed(None, 503, problem, now)

    def _try_in_order(self, hops: tuple[Hop, ...], now: float) -> None:
        self._hops = list(hops)
        if self._fallback is not None and _adds_a_way(self._fallback, self._hops):
            self._hops.append(self._fallback)
        self.cseq = self._request.next_cseq()
        hop = self._hops.pop(0)
        self._credentials = self._core.credentials_for(self._request, self._body(hop), hop, self.call)
        self._attempt(hop, now)

    def _attempt(self, hop: Hop, now: float) -> None:
        core = self._core
        branch = core.ids.branch()
        try:
            with core.editing(self._edits):
                data = self._write(hop, branch)
                if self._is_too_large(data, hop):
                    self._hops.insert(0, hop)
                    self._may_change_transport = False
                    hop = hop._replace(transport=Transport.TCP)
                    data = self._write(hop, branch)
                method = self._request.method
                self.transaction = core.transactions.send_request(method, branch, data, hop, self, self.call, now)
        except EditError as error:
            self._user.request_failed(None, 503, str(error), now)
            return
        self.transaction.acknowledges = not self.no_ack

    def _write(self, hop: Hop, branch: str) -> bytes:
        templates = self._core.templates_for(hop)
        return self._core.alter(self._request.write(templates, branch, self.cseq, self.credentials))

    def _body(self, hop: Hop) -> bytes:
        """As it will be sent, which credentials may have to cover (auth-int, RFC 7616 section 3.4.3)."""
        if not self._edits:
            return self._request.body
        bare = self._request.write(self._core.templates_for(hop), "", self.cseq, credentials="")
        return apply_parts(self._edits, bare).partition(b"\r\n\r\n")[2]

    def _is_too_large(self, data: bytes, hop: Hop) -> bool:
        limit = self._core.config.largest_datagram
        return hop.transport is Transport.UDP and self._may_change_transport and len(data) > limit

    # --- what comes back ---

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Answer a challenge, go to the next server after 503, and leave all else to the user."""
        code = response.status_code
        if code < 300 or self._abandoned:
            if code >= 200:
                self._look_at_proof(response)
            self._user.response_received(transaction, response, now)
        elif code in (401, 407) and self._answer_challenge(transaction, response, now):
            return
        elif code == 503 and self._hops:
            self._attempt(self._hops.pop(0), now)
        else:
            self._user.response_received(transaction, response, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody answered there: the next server, if there is one."""
        if self._hops and not self._abandoned:
            self._attempt(self._hops.pop(0), now)
        else:
            self._user.request_failed(transaction, code, reason, now)

    def _look_at_proof(self, response: Response) -> None:
        problem = "" if self._credentials is None else self._credentials.accepted(response)
        if problem:
            self._core.emit(Logged(problem, "warning"))

    def _answer_challenge(self, transaction: ClientTransaction, response: Response, now: float) -> bool:
        if self._credentials is None or not self._credentials.answer(response, transaction.destination):
            return False
        self.cseq = self._request.next_cseq()
        self._attempt(transaction.destination, now)
        return True


def _adds_a_way(fallback: Hop, hops: list[Hop]) -> bool:
    """Whether the place where the peer was heard is worth a try after its own addresses: a connection that is open, or
    the only address that is known."""
    return bool(fallback.connection) or not hops
