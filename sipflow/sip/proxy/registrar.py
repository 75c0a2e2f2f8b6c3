"""The registrar: what a REGISTER does to the location service (RFC 3261 section 10.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from sipflow.sip.headers import HeaderError, NameAddr
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request
from sipflow.sip.proxy.config import ProxyConfig
from sipflow.sip.proxy.location import Binding, LocationService
from sipflow.sip.proxy.refusal import RefusedError
from sipflow.sip.uri import UriError, parse_uri

MAX_CONTACTS = 20
"""Contacts of one user at the same time; an INVITE goes to all of them at once."""

MAX_USERS = 10_000
"""Users that are kept when none are configured."""


class Registrar:
    """Reads REGISTER requests of users who were let in already."""

    def __init__(self, config: ProxyConfig, location: LocationService) -> None:
        self._config = config
        self._location = location

    def register(self, request: Request, user: str, source: Hop, now: float) -> tuple[list[Binding], list[Binding]]:
        """Carry out a REGISTER for a user: what it bound and what it removed; RefusedError when it changes nothing."""
        contacts = _contacts(request)
        if any(contact.uri == "*" for contact in contacts):
            return [], self._remove_all(request, user, contacts)
        asked = [self._binding(request, contact, source, now) for contact in contacts]
        self._check(request, user, asked, now)
        removed = [known for one in asked if one.expires_at <= now and (known := self._location.find(user, one))]
        self._location.unbind(user, dict.fromkeys(removed))
        bound = [one for one in asked if one.expires_at > now]
        for one in bound:
            self._location.bind(user, one)
        return bound, removed

    def answer(self, request: Request, user: str, now: float) -> str:
        """Header lines of the 200: all contacts with what is left of their time (step 8), Path and Service-Route."""
        lines = [f"Contact: {_shown(binding, now)}" for binding in self._location.bindings(user)]
        lines += [f"Path: {value}" for value in request.headers.values("Path")]
        return "".join(f"{line}\r\n" for line in lines) + self._date(now)

    def _date(self, now: float) -> str:
        start = self._config.wallclock_at_zero
        if start is None:
            return ""
        return f"Date: {format_datetime(datetime.fromtimestamp(start + now, UTC), usegmt=True)}\r\n"

    def _remove_all(self, request: Request, user: str, contacts: list[NameAddr]) -> list[Binding]:
        """`Contact: *` (step 6): alone, and with Expires 0."""
        if len(contacts) > 1 or _seconds(request.headers.get("Expires")) != 0:
            raise RefusedError(400, "Contact * Stands Alone With Expires 0")
        known = self._location.bindings(user)
        _check_order(request, known)
        self._location.unbind(user, known)
        return known

    def _binding(self, request: Request, contact: NameAddr, source: Hop, now: float) -> Binding:
        return Binding(
            uri=_checked_uri(contact),
            expires_at=now + self._lifetime(request, contact),
            call_id=request.call_id,
            cseq=request.cseq.number,
            flow=source,
            q=_preference(contact),
            path=tuple(request.headers.values("Path")),
            instance=_instance(contact),
        )

    def _lifetime(self, request: Request, contact: NameAddr) -> int:
        """Seconds that a contact is to be kept, 0 to remove it; RefusedError 423 when that is too short."""
        said = _seconds(contact.parameter("expires"))
        if said is None:
            said = _seconds(request.headers.get("Expires"))
        if said is None:
            said = self._config.default_expires_s
        least = self._config.minimum_expires_s
        if 0 < said < least:
            raise RefusedError(423, lines=f"Min-Expires: {least}\r\n")
        return min(said, self._config.maximum_expires_s)

    def _check(self, request: Request, user: str, asked: list[Binding], now: float) -> None:
        """All or nothing (step 7): a REGISTER that is refused for one contact changes none."""
        known = [found for one in asked if (found := self._location.find(user, one)) is not None]
        _check_order(request, known)
        added = sum(one.expires_at > now for one in asked) - len(known)
        if added > 0 and len(self._location.bindings(user)) + added > MAX_CONTACTS:
            raise RefusedError(403, "Too Many Contacts")
        if added > 0 and not self._location.knows(user) and self._location.users >= MAX_USERS:
            raise RefusedError(503)


def _contacts(request: Request) -> list[NameAddr]:
    try:
        return NameAddr.parse_many(request.headers.get_all("Contact"))
    except HeaderError:
        raise RefusedError(400, "Bad Contact") from None


def _checked_uri(contact: NameAddr) -> str:
    try:
        uri = parse_uri(contact.uri)
    except UriError:
        raise RefusedError(400, "Bad Contact") from None
    return str(uri)


def _check_order(request: Request, known: list[Binding]) -> None:
    if any(binding.is_newer(request.call_id, request.cseq.number) for binding in known):
        raise RefusedError(500, "REGISTER Out Of Order")


def _instance(contact: NameAddr) -> str:
    instance, number = contact.parameter("+sip.instance"), contact.parameter("reg-id")
    return f"{instance};{number}" if instance and number else ""


def _preference(contact: NameAddr) -> float:
    """q from 0 to 1; what is malformed counts as not said."""
    whole, _, digits = (contact.parameter("q") or "1").partition(".")
    if whole not in ("0", "1") or not (digits.isascii() and (digits.isdigit() or not digits)) or len(digits) > 3:
        return 1.0
    return min(float(f"{whole}.{digits or '0'}"), 1.0)


def _seconds(text: str | None) -> int | None:
    """Seconds, None when nothing sensible is said; a number beyond 32 bits is the largest (section 10.3 step 6)."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return 2**32 - 1 if len(text) > 10 else min(int(text), 2**32 - 1)


def _shown(binding: Binding, now: float) -> str:
    preference = "" if binding.q == 1.0 else f";q={binding.q:g}"
    return f"<{binding.uri}>{preference};expires={max(round(binding.expires_at - now), 0)}"
