"""The proxy as a machine without clock or socket: the same verbs as `UserAgent`, and nobody's calls of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from sipflow.events import SipReceived
from sipflow.sip.challenger import Challenger, Demand
from sipflow.sip.config import UserAgentConfig
from sipflow.sip.core import Core, Statistics
from sipflow.sip.destinations import is_made_up, locate
from sipflow.sip.digest import Login
from sipflow.sip.headers import HeaderError, NameAddr
from sipflow.sip.hop import Hop, NameQuery
from sipflow.sip.message import MessageError, Request, Response, parse_message
from sipflow.sip.outputs import Output
from sipflow.sip.proxy.config import ProxyConfig
from sipflow.sip.proxy.forwarding import Forwarding
from sipflow.sip.proxy.location import Binding, LocationService
from sipflow.sip.proxy.refusal import RefusedError
from sipflow.sip.proxy.registrar import Registrar
from sipflow.sip.proxy.routing import (
    forwarded,
    hops_left,
    read_uri,
    record_routes,
    take_own_routes,
    via_value,
    without_credentials,
)
from sipflow.sip.responses import refusal, with_tag
from sipflow.sip.transaction import ServerTransaction
from sipflow.sip.transaction_tables import Input
from sipflow.sip.uri import SipUri, UriError, parse_uri, same_uri
from sipflow.sip.warning import warning_line
from sipflow.values import replace

_LOOPBACK = ("127.", "::1", "localhost")

Target = tuple[str, str, Hop | None, list[str]]
"""Request-URI, URI of the next hop, a hop that is known without looking (the way back of a registration), routes."""


class Proxy:
    """Registrar and record-routing proxy of one domain."""

    def __init__(self, config: ProxyConfig, source: random.Random) -> None:
        self.config = config
        first, *others = config.listeners
        own = UserAgentConfig(
            config.name, "", first.host, first.port, first.transport, tuple(others),
            user_agent=config.server, timers=config.timers, trace=config.trace,
        )  # fmt: skip
        self._core = Core(own, source, lambda: "")
        logins = [Login(user.name, user.password) for user in config.users]
        ids = self._core.ids
        self._at_registration = Challenger(config.realm, logins, ids) if logins else None
        self._at_calls = Challenger(config.realm, logins, ids, proxy=True) if logins else None
        self._location = LocationService(lambda _user, _binding: None)
        self._registrar = Registrar(config, self._location)
        self._problem = ""

    # --- the verbs of every SIP machine ---

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """A message or a datagram came; any bytes are fine."""
        core, self._problem = self._core, ""
        core.statistics.messages_received += 1
        position = len(core.outputs)
        try:
            message = parse_message(data)
        except MessageError as error:
            self._refuse_bytes(error, source)
        else:
            if isinstance(message, Response):
                self._receive_response(message, now)
            else:
                self._receive_request(message, source, now)
        if self.config.trace:
            received = SipReceived(None, data, source[:2], self._problem, False, source.transport.value)
            core.outputs.insert(position, received)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._core.timers.fire(now)
        self._location.timers.fire(now)

    def transport_failed(self, destination: Hop, reason: str, now: float) -> None:
        """What was sent to this hop does not arrive."""
        self._core.transactions.transport_failed(destination, reason, now)

    def datagram_refused(self, destination: Hop, quoted: bytes, reason: str, now: float) -> None:
        """ICMP says that a datagram that began with `quoted` did not arrive there."""
        self._core.transactions.datagram_refused(destination, quoted, reason, now)

    def resolved(self, number: int, hops: tuple[Hop, ...], problem: str, now: float) -> None:
        """The answer to a `Lookup`."""
        done = self._core.lookups.pop(number, None)
        if done is not None:
            done(hops, problem, now)

    def unfinished(self) -> dict[str, int]:
        """See `Core.unfinished`; bindings last as long as they were asked for."""
        return self._core.unfinished() | {"bindings": len(self._location)}

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called next."""
        deadlines = (self._core.timers.next_deadline(), self._location.timers.next_deadline())
        return min((at for at in deadlines if at is not None), default=None)

    def outputs(self) -> list[Output]:
        """What is to be sent and what happened, in causal order."""
        outputs, self._core.outputs = self._core.outputs, []
        return outputs

    def close(self, now: float) -> None:
        """Take no new requests."""
        self._core.closing = True

    @property
    def has_outputs(self) -> bool:
        """Whether `outputs` has something to give."""
        return bool(self._core.outputs)

    @property
    def idle(self) -> bool:
        """Whether no transaction or timer is left; users may be registered."""
        core = self._core
        return not (core.lookups or len(core.transactions) or len(core.timers))

    def statistics(self) -> Statistics:
        """What was counted so far; a copy."""
        return replace(self._core.statistics)

    def bindings(self, user: str) -> list[Binding]:
        """Where a user is registered."""
        return self._location.bindings(user)

    # --- what comes ---

    def _refuse_bytes(self, error: MessageError, source: Hop) -> None:
        self._core.statistics.parse_failures += 1
        self._problem = error.problem
        response = refusal(error, source, self._core.ids.tag())
        if response is not None:
            self._core.transmit(*response, None)

    def _receive_response(self, response: Response, now: float) -> None:
        transaction = self._core.transactions.find_client(response)
        if transaction is None:
            self._core.statistics.stray_messages += 1
            self._problem = "no transaction"
        else:
            transaction.receive(response, now)

    def _receive_request(self, request: Request, source: Hop, now: float) -> None:
        core = self._core
        known = core.transactions.find_server(request)
        if request.method == "ACK" and (known is None or known.answered_well):
            self._forward_ack(request, source, now)
        elif known is not None:
            known.fire(Input.ACK if request.method == "ACK" else Input.REQUEST, request, now)
        elif len(core.transactions.servers) >= self.config.max_server_transactions:
            self._problem = "too many transactions"
        elif request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        else:
            transaction = core.transactions.open_server(request, source, now)
            try:
                self._handle(transaction, request, source, now)
            except RefusedError as refused:
                self._problem = refused.reason or ""
                self._reply(transaction, request, refused.code, now, refused.lines, refused.reason)

    def _receive_cancel(self, request: Request, source: Hop, now: float) -> None:
        invite = self._core.transactions.find_server(request, "INVITE")
        transaction = self._core.transactions.open_server(request, source, now)
        self._reply(transaction, request, 481 if invite is None else 200, now)
        if invite is not None and isinstance(invite.user, Forwarding):
            invite.user.cancel(now)

    def _handle(self, transaction: ServerTransaction, request: Request, source: Hop, now: float) -> None:
        """Sections 16.3 to 16.6, in their order."""
        if self._core.closing:
            raise RefusedError(503)
        if self._core.transactions.is_merged(transaction):
            raise RefusedError(482)
        uri, routes = take_own_routes(request, self.config)
        target = read_uri(uri)
        if request.method == "REGISTER" and not routes and self.config.is_domain(target):
            self._register(transaction, request, source, now)
            return
        hops = hops_left(request)
        unknown = request.headers.values("Proxy-Require")
        if unknown:
            raise RefusedError(420, lines=f"Unsupported: {', '.join(unknown)}\r\n")
        if not request.to_tag:
            self._let_in(request, source, now)
        if not routes and self._is_for_us(request, target):
            self._reply(transaction, request, 200 if request.method == "OPTIONS" else 405, now)
            return
        self._forward(transaction, request, source, self._targets(request, uri, target, routes), hops, now)

    def _is_for_us(self, request: Request, target: SipUri) -> bool:
        return not target.user and self.config.serves(target)

    # --- who may ---

    def _let_in(self, request: Request, source: Hop, now: float) -> None:
        """Users of the domain prove who they are; where nobody is known, only the own machine is served."""
        if self._at_calls is None:
            _only_from_here(source)
            return
        if not self.config.is_domain(parse_or_refuse(request.from_.uri)):
            return
        user = self._prove(self._at_calls, request, now)
        self._check_identity(user, "From", request.from_.uri)

    def _check_identity(self, user: str, field: str, address: str) -> None:
        """Nobody speaks for somebody else (RFC 3261 section 10.3 step 4)."""
        if parse_or_refuse(address).user != user:
            why = f"{field} is {address}, and the credentials are those of {user}"
            raise RefusedError(403, "Not Your Address", warning_line(self.config.listeners[0].host, why))

    def _prove(self, challenger: Challenger, request: Request, now: float) -> str:
        verdict = challenger.check(request, now)
        if isinstance(verdict, Demand):
            self._problem = verdict.problem
            raise RefusedError(verdict.code, lines=verdict.lines)
        return verdict.user

    # --- registrations ---

    def _register(self, transaction: ServerTransaction, request: Request, source: Hop, now: float) -> None:
        address = request.to.uri
        user = parse_or_refuse(address).user or ""
        if self._at_registration is None:
            _only_from_here(source)
        else:
            self._check_identity(self._prove(self._at_registration, request, now), "To", address)
        if not user:
            raise RefusedError(404)
        self._registrar.register(request, user, source, now)
        self._reply(transaction, request, 200, now, self._registrar.answer(request, user, now))

    # --- onwards ---

    def _targets(self, request: Request, uri: str, target: SipUri, routes: list[str]) -> list[Target]:
        if routes:
            return [(uri, _uri_of(routes[0]), None, routes)]
        known = self.config.is_domain(target) and self._location.knows(target.user or "")
        if known or self.config.serves(target):
            return self._registered(target.user or "")
        flow = self._flow_to(uri)
        if not request.to_tag and flow is None and not target.host.lower().startswith(_LOOPBACK):
            raise RefusedError(403, "No Relay To Other Domains")
        return [(uri, uri, flow, [])]

    def _registered(self, user: str) -> list[Target]:
        bindings = self._location.bindings(user)
        if not bindings:
            known = self._location.knows(user) or any(one.name == user for one in self.config.users)
            raise RefusedError(480 if known else 404)
        return [_target_of(binding) for binding in bindings]

    def _flow_to(self, uri: str) -> Hop | None:
        """The way back to a contact that was registered over a connection."""
        found = (binding for binding in self._location.all() if same_uri(binding.uri, uri))
        return next((way for binding in found if (way := _way(binding)) is not None), None)

    def _forward(
        self,
        transaction: ServerTransaction,
        request: Request,
        source: Hop,
        targets: list[Target],
        hops: int,
        now: float,
    ) -> None:
        def fail(code: int, at: float) -> None:
            self._reply(transaction, request, code, at)

        forwarding = Forwarding(self._core, transaction, self.config.timer_c_s, fail)
        records = self.config.record_route and request.method in ("INVITE", "SUBSCRIBE", "REFER")
        onward = without_credentials(request, self.config.realm)

        def send(found: list[Hop | None], at: float) -> None:
            copies = []
            for (uri, _, _, routes), hop in zip(targets, found, strict=True):
                if hop is not None:
                    record = record_routes(self.config, source, hop) if records else []
                    branch = self._core.ids.branch()
                    via = via_value(self._core.templates_for(hop), branch)
                    copies.append((branch, forwarded(onward, source, uri, routes, record, via, hops), hop))
            if copies:
                forwarding.send(copies, request.method, at)
            else:
                fail(502 if request.method == "INVITE" else 404, at)

        _Search(self._core, [(known, next_hop) for _, next_hop, known, _ in targets], send).start(now)

    def _forward_ack(self, request: Request, source: Hop, now: float) -> None:
        """The ACK of a 2xx is nobody's transaction (section 16.11 last paragraph)."""
        try:
            uri, routes = take_own_routes(request, self.config)
            hops = hops_left(request)
            read_uri(uri)
        except RefusedError as refused:
            self._problem = refused.reason or str(refused.code)
            return
        next_hop = _uri_of(routes[0]) if routes else uri

        def send(found: list[Hop | None], _now: float) -> None:
            hop = found[0]
            if hop is not None:
                via = via_value(self._core.templates_for(hop), self._core.ids.branch())
                self._core.transmit(forwarded(request, source, uri, routes, [], via, hops), hop, None)

        _Search(self._core, [(self._flow_to(uri) if not routes else None, next_hop)], send).start(now)

    def _reply(
        self,
        transaction: ServerTransaction,
        request: Request,
        code: int,
        now: float,
        lines: str = "",
        reason: str | None = None,
    ) -> None:
        to = with_tag(request.headers.get("To") or "", self._core.ids.tag())
        transaction.reply(now, code, reason, to, lines + self._core.templates.response)


class _Search:
    """The hops of several next hops, some of which have to be looked up first."""

    def __init__(
        self, core: Core, wanted: list[tuple[Hop | None, str]], then: Callable[[list[Hop | None], float], None]
    ) -> None:
        self._core = core
        self._wanted = wanted
        self._then = then
        self._found: list[Hop | None] = [None] * len(wanted)
        self._open = 0

    def start(self, now: float) -> None:
        """Look; `then` is called once all are known."""
        self._open = 1
        for index, (known, uri) in enumerate(self._wanted):
            where = known or locate(uri)
            if isinstance(where, Hop):
                self._found[index] = where
            elif isinstance(where, NameQuery) and not is_made_up(where.host):
                self._open += 1
                self._core.look_up(where, partial(self._resolved, index))
        self._one_less(now)

    def _resolved(self, index: int, hops: tuple[Hop, ...], _problem: str, now: float) -> None:
        self._found[index] = hops[0] if hops else None
        self._one_less(now)

    def _one_less(self, now: float) -> None:
        self._open -= 1
        if self._open == 0:
            self._then(self._found, now)


def parse_or_refuse(text: str) -> SipUri:
    """A URI of a user; RefusedError 400 for anything else."""
    try:
        uri = parse_uri(text)
    except UriError:
        raise RefusedError(400, "Bad Address") from None
    if not isinstance(uri, SipUri):
        raise RefusedError(400, "Bad Address")
    return uri


def _only_from_here(source: Hop) -> None:
    if not source.host.startswith(_LOOPBACK):
        raise RefusedError(403, "Only This Machine Is Served")


def _uri_of(route: str) -> str:
    try:
        return NameAddr.parse(route).uri
    except HeaderError:
        return ""


def _target_of(binding: Binding) -> Target:
    """Headers in the contact's URI are kept with it, but are none of the request's (RFC 3261 section 19.1.5)."""
    contact = parse_uri(binding.uri)
    uri = str(contact.without_headers()) if isinstance(contact, SipUri) else binding.uri
    return uri, _uri_of(binding.path[0]) if binding.path else uri, _way(binding), list(binding.path)


def _way(binding: Binding) -> Hop | None:
    """The connection of a registration: what came over one is reached by it (RFC 5626 section 5.3)."""
    return binding.flow if binding.flow.transport.reliable and not binding.path else None
