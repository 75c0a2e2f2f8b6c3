"""The server side of digest authentication: makes challenges and checks what answers them (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from sipflow.sip.digest import Algorithm, Challenge, Credentials, Login, algorithm_of, prove
from sipflow.sip.headers import HeaderError
from sipflow.sip.ids import Ids
from sipflow.sip.message import Request
from sipflow.values import dataclass, field

UNCHALLENGED = frozenset({"ACK", "CANCEL"})
"""Requests that cannot be sent again with credentials (RFC 3261 section 22.1)."""

NONCE_LIFETIME_S = 300.0
"""How long a nonce is good; an older one is stale, and the client tries again by itself."""

MAX_NONCES = 10_000
"""Nonces that are remembered; beyond it the oldest is stale before its time."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The sender proved who it is."""

    user: str


@dataclass(frozen=True, slots=True)
class Demand:
    """The sender has to prove who it is."""

    code: int
    """401 or 407."""
    lines: str
    """Header lines of the response."""
    problem: str
    """What is wrong with what it said, for a person; empty when it said nothing."""


@dataclass(slots=True)
class _Nonce:
    made_at: float
    counts: set[int] = field(default_factory=set)
    """Nonce counts that were used: none is good twice."""


class Challenger:
    """Lets requests in that carry the right password of a user."""

    def __init__(
        self,
        realm: str,
        logins: Iterable[Login],
        ids: Ids,
        *,
        algorithm: Algorithm = Algorithm.MD5,
        qop: tuple[str, ...] = ("auth",),
        proxy: bool = False,
    ) -> None:
        self._realm = realm
        self._logins = {login.user: login for login in logins}
        self._ids = ids
        self._algorithm = algorithm
        self._qop = qop
        self._code = 407 if proxy else 401
        self._opaque = ids.tag()
        self._nonces: dict[str, _Nonce] = {}

    def check(self, request: Request, now: float) -> Granted | Demand:
        """Whether the request may pass, or the challenge for its sender."""
        given = self._given(request)
        if given is None:
            return self._demand(now, "")
        login = self._login(given)
        if login is None:
            return self._demand(now, f'there is no user "{given.username}"')
        if not self._is_proven(given, login, request):
            return self._demand(now, f'wrong password of "{login.user}"')
        if not self._is_fresh(given, now):
            return self._demand(now, "the nonce is too old or its count was used before", stale=True)
        return Granted(login.user)

    def _given(self, request: Request) -> Credentials | None:
        """Credentials for this realm (a request may carry others), None when there are none that can be read."""
        name = "Proxy-Authorization" if self._code == 407 else "Authorization"
        for text in request.headers.get_all(name):
            try:
                given = Credentials.parse(text)
            except HeaderError:
                continue
            if given.realm == self._realm:
                return given
        return None

    def _login(self, given: Credentials) -> Login | None:
        if not given.userhash:
            return self._logins.get(given.username)
        hashed = {self._algorithm.hash(f"{user}:{self._realm}"): login for user, login in self._logins.items()}
        return hashed.get(given.username)

    def _is_proven(self, given: Credentials, login: Login, request: Request) -> bool:
        if algorithm_of(given.algorithm) is not self._algorithm or given.qop not in (self._qop or ("",)):
            return False  # nobody chooses a weaker way than the one that was offered
        proof = prove(given, login, request.method, request.body)
        return hmac.compare_digest(proof.encode(), given.response.encode("utf-8", "surrogateescape"))

    def _is_fresh(self, given: Credentials, now: float) -> bool:
        nonce = self._nonces.get(given.nonce)
        if nonce is None or now - nonce.made_at > NONCE_LIFETIME_S:
            return False
        if not given.qop:
            return True
        count = int(given.nc, 16) if _is_hexadecimal(given.nc) else 0
        if count < 1 or count in nonce.counts:
            return False
        nonce.counts.add(count)
        return True

    def _demand(self, now: float, problem: str, *, stale: bool = False) -> Demand:
        text = self._ids.tag() + self._ids.tag()
        self._nonces[text] = _Nonce(now)
        if len(self._nonces) > MAX_NONCES:
            del self._nonces[next(iter(self._nonces))]
        challenge = Challenge(self._realm, text, self._algorithm, self._qop, self._opaque, stale)
        name = "Proxy-Authenticate" if self._code == 407 else "WWW-Authenticate"
        return Demand(self._code, f"{name}: {challenge}\r\n", problem)


def _is_hexadecimal(text: str) -> bool:
    return len(text) == 8 and not set(text.lower()) - set("0123456789abcdef")
