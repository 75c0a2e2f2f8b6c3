"""What all parts of a user agent share: configuration, identifiers, timers, transactions, calls, and the way out."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sipflow.errors import MisuseError
from sipflow.events import Payload, SipSent
from sipflow.sip.authenticator import Authenticator, RequestCredentials
from sipflow.sip.challenger import Challenger
from sipflow.sip.config import Demanded, UserAgentConfig
from sipflow.sip.destinations import is_made_up, locate
from sipflow.sip.dialog import Dialog, DialogKey
from sipflow.sip.edits import Edits, apply_edits, copies
from sipflow.sip.exchange import Exchange, Lines, Outgoing
from sipflow.sip.headers import HeaderError, NameAddr
from sipflow.sip.hop import Hop, NameQuery
from sipflow.sip.ids import Ids
from sipflow.sip.message import Response
from sipflow.sip.outputs import Lookup, Output, Transmit
from sipflow.sip.requests import Templates, Wardrobe
from sipflow.sip.timers import Timers
from sipflow.sip.transaction import ClientTransaction, ClientUser, TransactionLayer
from sipflow.values import dataclass

if TYPE_CHECKING:
    from sipflow.sip.call import Call
    from sipflow.sip.subscription import Subscription


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


Resolved = Callable[[tuple[Hop, ...], str, float], None]
"""Takes the hops that a name stands for, in the order in which they are to be tried, or why there are none."""


class Core:
    """The common ground of one user agent's parts."""

    def __init__(self, config: UserAgentConfig, source: random.Random, new_call_id: Callable[[], str]) -> None:
        self.config = config
        self.random = source
        self.new_call_id = new_call_id
        self.ids = Ids(source, config.host)
        wardrobe = Wardrobe(config)
        self.templates = wardrobe.usual
        """For what does not depend on the transport."""
        self.templates_for = wardrobe.of
        """Templates for messages to that hop."""
        self.timers = Timers()
        self.outputs: list[Output] = []
        self.statistics = Statistics()
        self.transactions = TransactionLayer(self.timers, config.timers, self.transmit, self.alter)
        self.calls: dict[str, Call] = {}
        self.dialogs: dict[DialogKey, Call] = {}
        self.ended: dict[str, Call] = {}
        """Calls that are over, oldest first, no more than the configuration wants kept."""
        self.authenticator = None if config.login is None else Authenticator(config.login, self.ids)
        """Answers challenges; None without a login."""
        self.challenger = None if config.challenge is None else _challenger(config.challenge, self.ids)
        """Challenges every request that comes; None: all are let in."""
        self.address_of_record = config.from_uri or config.contact_uri
        self.service_route: tuple[str, ...] = ()
        """Route values for requests outside of dialogs, as the registrar wants them (RFC 3608)."""
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        """Subscriptions outside of calls, by Call-ID and local tag."""
        self.lookups: dict[int, Resolved] = {}
        """Names that are being looked up."""
        self._lookups_made = 0
        self.closing = False
        self.tells_strays = False
        """Whether responses that belong to no transaction are reported: once something raw was sent."""
        self.edits: Edits = ()
        """Changes to the message that is being made; see `editing`."""
        self.trace = config.trace
        """Whether every message is reported: SipSent, SipReceived."""

    def emit(self, payload: Payload) -> None:
        """Report an event."""
        self.outputs.append(payload)

    def transmit(self, data: bytes, destination: Hop, call: str | None, retransmission: bool = False) -> None:
        """Hand a message to the driver."""
        if self.edits:
            self.outputs += [Transmit(data, destination)] * (copies(self.edits) - 1)
        self.outputs.append(Transmit(data, destination))
        self.statistics.messages_sent += 1
        if retransmission:
            self.statistics.retransmissions_sent += 1
        if self.trace:
            self.outputs.append(
                SipSent(call, data, destination[:2], retransmission, False, destination.transport.value)
            )

    def editing(self, edits: Edits) -> AbstractContextManager[None]:
        """What is sent meanwhile is changed by these edits: the message of one command, and its repetitions."""
        return _Editing(self, edits)

    def alter(self, data: bytes) -> bytes:
        """A finished message as it is to be sent; EditError when it cannot be changed as it should."""
        return apply_edits(self.edits, data) if self.edits else data

    def unfinished(self) -> dict[str, int]:
        """How many there are of what comes and goes; all are 0 once everything has ended and run out."""
        return {
            "calls": len(self.calls),
            "dialogs": len(self.dialogs),
            "subscriptions": len(self.subscriptions),
            "transactions": len(self.transactions),
            "look-ups": len(self.lookups),
            "timers": len(self.timers),
        }

    def call(self, call: str) -> Call:
        """The call of that id; MisuseError when there is none, or none any more."""
        try:
            return self.calls[call]
        except KeyError:
            why = "is over" if call in self.ended else "does not exist"
            raise MisuseError(f"call {call} {why}") from None

    # --- requests ---

    def way_out(self, target: str) -> tuple[str, str]:
        """URI of the first hop of a request outside of dialogs, and its Route lines: those that the registrar gave
        with the registration (RFC 3608), by the agent's own proxy if it has one."""
        routes = self.service_route
        first = _uri_of_route(routes[0]) if routes else target
        return self.config.outbound_proxy or first, "".join([f"Route: {route}\r\n" for route in routes])

    def send_in_dialog(
        self,
        method: str,
        dialog: Dialog,
        user: ClientUser,
        call: str | None,
        now: float,
        lines: Lines | None = None,
        body: bytes = b"",
    ) -> Exchange:
        """Send a request in a dialog; `lines` None: those that the method always has."""
        usual = _refreshing if method in _TARGET_REFRESH else _plain
        request = Outgoing(method, dialog.request_uri, dialog.identity, lines or usual, dialog.next_cseq, body)
        exchange = Exchange(self, request, user, call)
        exchange.start(dialog.next_hop, dialog.fallback, now)
        return exchange

    def find_hop(self, next_hop: str, fallback: Hop, then: Callable[[Hop, float], None], now: float) -> None:
        """Have `then(hop, now)` called, at once or after a look-up; with `fallback` when the URI leads nowhere."""
        where = locate(next_hop)
        if isinstance(where, NameQuery) and not is_made_up(where.host):
            self.look_up(where, lambda hops, _, at: then(hops[0] if hops else fallback, at))
        else:
            then(where if isinstance(where, Hop) else fallback, now)

    def look_up(self, query: NameQuery, done: Resolved) -> None:
        """Have a name looked up."""
        self._lookups_made += 1
        self.lookups[self._lookups_made] = done
        self.outputs.append(Lookup(self._lookups_made, query))

    def credentials_for(
        self, request: Outgoing, body: bytes, hop: Hop, call: str | None = None
    ) -> RequestCredentials | None:
        """What a request (of a call, if it is one's) with that body to that hop says about who sends it; None without a
        login."""
        own = self.calls.get(call) if call else None
        authenticator = self.authenticator if own is None or own.identity is None else own.authenticator
        return None if authenticator is None else authenticator.begin(request.method, request.uri, body, hop)


_TARGET_REFRESH = frozenset({"INVITE", "REFER", "UPDATE", "SUBSCRIBE", "NOTIFY"})


def _uri_of_route(route: str) -> str:
    try:
        return NameAddr.parse(route).uri
    except HeaderError:
        return ""


def _challenger(demanded: Demanded, ids: Ids) -> Challenger:
    return Challenger(demanded.realm, (demanded.login,), ids, algorithm=demanded.algorithm, qop=demanded.qop)


def _plain(templates: Templates) -> str:
    return templates.request


def _refreshing(templates: Templates) -> str:
    return templates.dialog_request


class Indifferent:
    """The user of a request whose outcome changes nothing."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Nobody asked."""

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody asked."""


INDIFFERENT = Indifferent()


class _Editing:
    """The time in which other edits are in force."""

    __slots__ = ("_before", "_core", "_edits")

    def __init__(self, core: Core, edits: Edits) -> None:
        self._core = core
        self._edits = edits
        self._before: Edits = ()

    def __enter__(self) -> None:
        self._before, self._core.edits = self._core.edits, self._edits

    def __exit__(self, *_raised: object) -> None:
        self._core.edits = self._before
