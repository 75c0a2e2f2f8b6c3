"""A user agent's registration: made, kept alive, and taken back (RFC 3261 section 10.2, RFC 3608, RFC 3327)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sipflow.events import Registered, RegistrationFailed, Unregistered
from sipflow.sip.core import Core
from sipflow.sip.edits import Edits
from sipflow.sip.exchange import Exchange, Outgoing
from sipflow.sip.headers import HeaderError, NameAddr
from sipflow.sip.message import Response
from sipflow.sip.requests import HeaderFields, Templates, split_identity, with_headers
from sipflow.sip.timers import Timer, Timers
from sipflow.sip.transaction import ClientTransaction
from sipflow.sip.uri import same_uri
from sipflow.values import dataclass, replace

DEFAULT_EXPIRES_S = 3600
"""What is asked for when nobody says how long."""

REFRESH_AT = 0.8
"""Share of the granted time after which the registration is renewed: late enough to be cheap, early enough for a
REGISTER that has to be repeated for 32 s within three minutes of validity."""

FIRST_RETRY_S, LAST_RETRY_S = 5.0, 300.0
"""Wait after a failure of what is to be kept alive; it doubles with every further one (see RFC 5626 section 4.5)."""

UNANSWERED_RETRY_S, UNANSWERED_RETRIES = 4.0, 8
"""As long as a REGISTER would be repeated (64*T1) who is not there is asked as often as by that (T2), and not less
often for being told at once that nobody listens: a registrar that boots is found. From then on as above."""

OWN = ""
"""Stands for the agent's own contact, which depends on the transport that is taken."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One REGISTER that is wanted."""

    request: int
    """Number that the outcome carries; 0 when nobody asked for this one: a refresh."""
    expires_s: int
    """0 takes the contacts back."""
    contacts: tuple[str, ...] = (OWN,)
    """URIs, or `OWN`."""
    everything: bool = False
    """`Contact: *`."""
    headers: tuple[tuple[str, str], ...] = ()
    persistent: bool = False
    """Whether a failure is not the end of it: it is tried again until it succeeds."""
    edits: Edits = ()
    """What is broken on purpose in this REGISTER, and not in its refreshes."""


class Registration:
    """One agent's binding at its registrar. Its timers are not those of calls: a registered agent may be idle."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.timers = Timers()
        """When to refresh."""
        self._call_id = core.ids.call_id()
        self._tag = core.ids.tag()
        self._cseq = 0
        self._kept: Wish | None = None
        """What the next refresh sends."""
        self._bound = False
        self._refresh: Timer | None = None
        self._failures = 0
        self._waiting: deque[Wish] = deque()
        self._attempt: _Attempt | None = None

    @property
    def is_kept(self) -> bool:
        """Whether a registrar has something of this agent, as far as it knows."""
        return self._bound

    @property
    def busy(self) -> bool:
        """Whether a REGISTER is on its way."""
        return self._attempt is not None

    def register(self, wish: Wish, now: float) -> None:
        """Send a REGISTER, after the one that is on its way (RFC 3261 section 10.2)."""
        split_identity(wish.headers)
        self._waiting.append(replace(wish, edits=self._core.edits))
        self._next(now)

    def unregister(self, request: int, everything: bool, headers: HeaderFields, now: float) -> None:
        """Take back all that was registered and is not over, or every contact of the address."""
        wish = Wish(request, 0, everything=everything, headers=tuple(headers))
        if self._kept is not None:
            wish = replace(wish, contacts=self._kept.contacts)
        self._forget()
        self.register(wish, now)

    def _forget(self) -> None:
        self.timers.cancel(self._refresh)
        self._kept = None
        self._bound = False
        self._failures = 0

    # --- one after the other ---

    def _next(self, now: float) -> None:
        if self._attempt is None and self._waiting:
            wish = self._waiting.popleft()
            given, _ = split_identity(wish.headers)
            self._call_id = given.get("Call-ID", self._call_id)
            self._attempt = _Attempt(self._core, wish, self._done)
            with self._core.editing(wish.edits):
                self._attempt.send(self._call_id, self._tag, self._next_cseq, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _done(self, wish: Wish, response: Response | None, code: int, reason: str, now: float) -> None:
        self._attempt = None
        if response is not None and code == 423 and self._ask_for_longer(wish, response, now):
            return
        if response is None or not 200 <= code <= 299:
            self._failed(wish, code, reason, response is None, now)
        elif wish.expires_s:
            self._registered(wish, response, now)
        else:
            self._unregistered(wish, code)
        self._next(now)

    def _registered(self, wish: Wish, response: Response, now: float) -> None:
        contacts, granted = _granted(wish, response, self._core)
        self._core.service_route = tuple(response.headers.values("Service-Route"))
        self._core.emit(Registered(wish.request, contacts, granted, response.status_code))
        self._bound = True
        self._failures = 0
        self._keep(wish, now + granted * REFRESH_AT)

    def _unregistered(self, wish: Wish, code: int) -> None:
        """Something that was registered while this was on its way stays."""
        left = () if self._kept is None or wish.everything else self._kept.contacts
        left = tuple(uri for uri in left if uri not in wish.contacts)
        if left and self._kept is not None:
            self._kept = replace(self._kept, contacts=left)
        else:
            self._forget()
            self._core.service_route = ()
        self._core.emit(Unregistered(wish.request, code))

    def _keep(self, wish: Wish, at: float) -> None:
        """Refresh it then, together with what was registered before."""
        before = () if self._kept is None else self._kept.contacts
        contacts = tuple(dict.fromkeys((*before, *wish.contacts)))
        self._kept = replace(wish, request=0, contacts=contacts, persistent=True, edits=())
        self.timers.cancel(self._refresh)
        self._refresh = self.timers.start(at, self._renew, None)

    def _renew(self, _argument: object, now: float) -> None:
        if self._kept is not None and not self._core.closing:
            self._waiting.append(self._kept)
            self._next(now)

    def _ask_for_longer(self, wish: Wish, response: Response, now: float) -> bool:
        """423 names the shortest time that the registrar takes (section 10.2.8)."""
        text = response.headers.get("Min-Expires") or ""
        least = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if least <= wish.expires_s or not wish.expires_s:
            return False
        self._waiting.appendleft(replace(wish, expires_s=least))
        self._next(now)
        return True

    def _failed(self, wish: Wish, code: int, reason: str, unanswered: bool, now: float) -> None:
        if not wish.persistent or any(other.expires_s == 0 for other in self._waiting):
            self._core.emit(RegistrationFailed(wish.request, code, reason))
            return
        wait = self._pause(unanswered)
        self._core.emit(RegistrationFailed(wish.request, code, reason, wait if unanswered else None))
        self._failures += 1
        self._keep(wish, now + wait)

    def _pause(self, unanswered: bool) -> float:
        doubled = self._failures - (UNANSWERED_RETRIES if unanswered else 0)
        return UNANSWERED_RETRY_S if doubled < 0 else min(FIRST_RETRY_S * 2 ** min(doubled, 10), LAST_RETRY_S)


class _Attempt:
    """One REGISTER on its way."""

    def __init__(self, core: Core, wish: Wish, done: Callable[[Wish, Response | None, int, str, float], None]) -> None:
        self._core = core
        self._wish = wish
        self._done = done
        self._exchange: Exchange | None = None

    def send(self, call_id: str, tag: str, next_cseq: Callable[[], int], now: float) -> None:
        """Send it to the agent's proxy, or to the host of its address."""
        core, address = self._core, self._core.address_of_record
        identity = f"From: {core.templates.local};tag={tag}\r\nTo: <{address}>\r\nCall-ID: {call_id}\r\n"
        registrar = core.config.registrar or _registrar_of(address)
        request = Outgoing("REGISTER", registrar, identity, self._lines, next_cseq)
        self._exchange = Exchange(core, request, self, None)
        self._exchange.start(core.config.outbound_proxy or registrar, None, now)

    def _lines(self, templates: Templates) -> str:
        wish = self._wish
        if wish.everything:
            contacts = "Contact: *\r\n"
        else:
            contacts = "".join(f"Contact: <{uri}>\r\n" if uri else templates.contact for uri in wish.contacts)
        lines = f"{templates.request}{contacts}Expires: {wish.expires_s}\r\nSupported: path\r\n{templates.allow}"
        return with_headers(lines, split_identity(wish.headers)[1])

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """The final response is the outcome."""
        if response.status_code < 200:
            return
        reason = response.reason_phrase if self._exchange is None else self._exchange.reason_of(response)
        self._exchange = None
        self._done(self._wish, response, response.status_code, reason, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody answered."""
        self._exchange = None
        self._done(self._wish, None, code, reason, now)


def _granted(wish: Wish, response: Response, core: Core) -> tuple[tuple[str, ...], int]:
    """All contacts that the registrar lists, and for how many seconds ours are good: the shortest of them."""
    try:
        listed = NameAddr.parse_many(response.headers.get_all("Contact"))
    except HeaderError:
        listed = []
    own = [uri for uri in wish.contacts if uri]
    if OWN in wish.contacts:
        own += [listener.contact_uri(core.config.user) for listener in core.config.listeners]
    overall = _seconds(response.headers.get("Expires"), wish.expires_s)
    times = [
        _seconds(contact.parameter("expires"), overall)
        for contact in listed
        if any(same_uri(contact.uri, uri) for uri in own)
    ]
    return tuple(contact.uri for contact in listed), min(times, default=overall)


def _seconds(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 11 else otherwise


def _registrar_of(address: str) -> str:
    """The Request-URI of a REGISTER: the address of record without its user (section 10.2)."""
    scheme, _, rest = address.partition(":")
    return f"{scheme}:{rest.rpartition('@')[2]}"
