"""The client side of digest authentication: answers challenges and remembers them (RFC 3261 section 22, RFC 8760)."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.sip.digest import Challenge, Login, make_credentials, next_nonce
from sipflow.sip.hop import Hop
from sipflow.sip.ids import Ids
from sipflow.sip.message import Response

MAX_STALE = 2
"""How often one request is repeated because its nonce was too old: nobody follows a server that only says stale."""

MAX_PLACES = 1000
"""Servers whose challenges are remembered; beyond it the oldest is forgotten."""

Place = tuple[str, int, str]
"""Host and port of the next hop, and the Request-URI of what was challenged by the far end (empty: by a proxy)."""

_FIELDS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
"""What brings the challenge, and what answers it, by the code of the response."""


@dataclass(slots=True)
class _Session:
    """A challenge that is being used, and how often (RFC 7616 section 3.4: nc)."""

    challenge: Challenge
    cnonce: str
    count: int = 0


_Sessions = dict[tuple[str, str], _Session]
"""By the header that answers and the realm."""


class Authenticator:
    """One agent's login and the challenges that it met. A server that challenged once gets credentials at once."""

    def __init__(self, login: Login, ids: Ids) -> None:
        self.login = login
        self._ids = ids
        self._places: dict[Place, _Sessions] = {}

    def begin(self, method: str, uri: str, body: bytes, hop: Hop) -> RequestCredentials:
        """The credentials of a request that is about to go to that hop."""
        request = RequestCredentials(self, method, uri, body)
        for place in (_place(401, hop, uri), _place(407, hop, uri)):
            request.sessions.update(self._places.get(place, {}))
        request.write()
        return request

    def session(self, challenge: Challenge) -> _Session:
        """A first use of a challenge."""
        return _Session(challenge, self._ids.tag())

    def remember(self, code: int, hop: Hop, uri: str, sessions: _Sessions) -> None:
        """Use these challenges from the start for what goes there."""
        place = _place(code, hop, uri)
        self._places.pop(place, None)
        self._places[place] = sessions
        if len(self._places) > MAX_PLACES:
            del self._places[next(iter(self._places))]


class RequestCredentials:
    """What one request says about who sends it, through all its attempts."""

    __slots__ = ("_answered", "_authenticator", "_body", "_method", "_uri", "lines", "problem", "sessions")

    def __init__(self, authenticator: Authenticator, method: str, uri: str, body: bytes) -> None:
        self._authenticator = authenticator
        self._method, self._uri, self._body = method, uri, body
        self._answered: dict[tuple[str, str], int] = {}
        self.sessions: _Sessions = {}
        self.lines = ""
        """Authorization and Proxy-Authorization lines of the next attempt."""
        self.problem = ""
        """Why a challenge was not answered, for a person."""

    def answer(self, response: Response, hop: Hop) -> bool:
        """Take up the challenges of a 401 or 407; whether it makes sense to try again. A password that was refused is
        not tried twice (RFC 3261 section 22.2)."""
        code = response.status_code
        brings, answers = _FIELDS[code]
        challenges = Challenge.parse_many(response.headers.get_all(brings))
        chosen: dict[str, Challenge] = {}
        for challenge in challenges:
            if challenge.is_understood:  # the topmost one that we can (RFC 8760 section 2.4)
                chosen.setdefault(challenge.realm, challenge)
        self.problem = _why_not(challenges, brings) if not chosen else self._refused(chosen, answers)
        if self.problem:
            return False
        for realm, challenge in chosen.items():
            self._answered[answers, realm] = self._answered.get((answers, realm), 0) + 1
            self.sessions[answers, realm] = self._authenticator.session(challenge)
        ours = {key: session for key, session in self.sessions.items() if key[0] == answers}
        self._authenticator.remember(code, hop, self._uri, ours)
        self.write()
        return True

    def accepted(self, response: Response) -> None:
        """Take the nonce that a server wants next time (Authentication-Info, RFC 7616 section 3.5)."""
        for name, answers in (("Authentication-Info", _FIELDS[401][1]), ("Proxy-Authentication-Info", _FIELDS[407][1])):
            nonce = next_nonce(response.headers.get(name) or "")
            sessions = [session for (field, _), session in self.sessions.items() if field == answers]
            if nonce and len(sessions) == 1:
                old = sessions[0].challenge
                sessions[0].challenge = Challenge(
                    old.realm, nonce, old.algorithm, old.qop, old.opaque, False, old.userhash
                )
                sessions[0].count = 0

    def write(self) -> None:
        """Make the lines anew: every request has a count of its own."""
        self.lines = "".join([f"{field}: {self._credentials(used)}\r\n" for (field, _), used in self.sessions.items()])

    def _credentials(self, used: _Session) -> str:
        used.count += 1
        login = self._authenticator.login
        return str(
            make_credentials(used.challenge, login, self._method, self._uri, self._body, used.count, used.cnonce)
        )

    def _refused(self, chosen: dict[str, Challenge], answers: str) -> str:
        for realm, challenge in chosen.items():
            times = self._answered.get((answers, realm), 0)
            if times and not (challenge.stale and times <= MAX_STALE):
                return f'realm "{realm}" does not accept the password of "{self._authenticator.login.user}"'
        return ""


def _place(code: int, hop: Hop, uri: str) -> Place:
    return hop.host, hop.port, uri if code == 401 else ""


def _why_not(challenges: list[Challenge], brings: str) -> str:
    if not challenges:
        return f"the response has no {brings} with a Digest challenge"
    return f"a challenge that nobody here can answer: {', '.join(str(challenge) for challenge in challenges)}"
