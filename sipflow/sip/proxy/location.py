"""Where registered users are: bindings of an address of record to contacts (RFC 3261 section 10.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sipflow.sip.hop import Hop
from sipflow.sip.timers import Timer, Timers
from sipflow.sip.uri import same_uri
from sipflow.values import dataclass


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of an address of record."""

    uri: str
    """Text of the contact's URI."""
    expires_at: float
    """Seconds on the machine's clock."""
    call_id: str
    cseq: int
    """Call-ID and CSeq of the REGISTER that made it: what tells an old request from a new one."""
    flow: Hop
    """Where that REGISTER came from: over a connection it is the only way back (RFC 5626 section 5.3)."""
    q: float = 1.0
    """Preference from 0 to 1."""
    path: tuple[str, ...] = ()
    """Route values that lead to the contact (RFC 3327)."""
    instance: str = ""
    """`+sip.instance` and `reg-id`: the same device again, whatever its URI (RFC 5626 section 6); empty without."""

    def is_same(self, other: Binding) -> bool:
        """Whether both stand for one contact (RFC 3261 section 10.2.4, RFC 5626 section 6)."""
        return same_uri(self.uri, other.uri) or bool(self.instance and self.instance == other.instance)

    def is_newer(self, call_id: str, cseq: int) -> bool:
        """Whether a REGISTER with these comes too late to change it (section 10.3 step 7)."""
        return self.call_id == call_id and cseq <= self.cseq


Expired = Callable[[str, Binding], None]
"""Takes the user and the binding whose time is up."""


class LocationService:
    """All bindings, by user of the one domain that a proxy serves."""

    def __init__(self, expired: Expired) -> None:
        self._expired = expired
        self._bindings: dict[str, dict[Binding, Timer]] = {}
        self.timers = Timers()
        """When bindings expire; apart from the others because a proxy with registered users may be idle."""

    def __len__(self) -> int:
        """Number of bindings."""
        return sum(map(len, self._bindings.values()))

    @property
    def users(self) -> int:
        """Number of users who ever registered."""
        return len(self._bindings)

    def knows(self, user: str) -> bool:
        """Whether a user ever registered."""
        return user in self._bindings

    def bindings(self, user: str) -> list[Binding]:
        """Contacts of a user, the most wanted first."""
        return sorted(self._bindings.get(user, ()), key=lambda binding: -binding.q)

    def all(self) -> Iterator[Binding]:
        """Bindings of all users."""
        return (binding for bindings in self._bindings.values() for binding in bindings)

    def find(self, user: str, like: Binding) -> Binding | None:
        """The binding of the same contact."""
        return next((known for known in self._bindings.get(user, ()) if known.is_same(like)), None)

    def bind(self, user: str, binding: Binding) -> None:
        """Add a contact, or take it in the place of the binding that it had."""
        known = self.find(user, binding)
        if known is not None:
            self._drop(user, known)
        timer = self.timers.start(binding.expires_at, self._expire, (user, binding))
        self._bindings.setdefault(user, {})[binding] = timer

    def unbind(self, user: str, bindings: Iterable[Binding]) -> None:
        """Remove contacts."""
        for binding in list(bindings):
            self._drop(user, binding)

    def _drop(self, user: str, binding: Binding) -> None:
        self.timers.cancel(self._bindings[user].pop(binding))

    def _expire(self, item: tuple[str, Binding], _now: float) -> None:
        user, binding = item
        del self._bindings[user][binding]
        self._expired(user, binding)
