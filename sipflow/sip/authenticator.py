"""The client side of digest authentication: answers challenges and remembers them (RFC 3261 section 22, RFC 8760)."""

from __future__ import annotations

from sipflow.sip.digest import Challenge, Credentials, Login, make_credentials, next_nonce, prove, response_proof
from sipflow.sip.hop import Hop
from sipflow.sip.ids import Ids
from sipflow.sip.message import Response
from sipflow.values import dataclass, replace

MAX_STALE = 2
"""How often one request is repeated because its nonce was too old: nobody follows a server that only says stale."""

MAX_ROUNDS = 8
"""How many challenges one request answers, whatever they say: a proxy for every hop would do with less, and a server
that thinks of a new realm each time would go on for ever."""

MAX_PLACES = 1000
"""Servers whose challenges are remembered; beyond it the oldest is forgotten."""

Place = tuple[str, int, str]
"""Host and port of the next hop, and the Request-URI of what was challenged by the far end (empty: by a proxy)."""

_FIELDS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
"""What brings the challenge, and what answers it, by the code of the response."""

_INFORMS = (("Authentication-Info", _FIELDS[401][1]), ("Proxy-Authentication-Info", _FIELDS[407][1]))
"""What a server says to credentials that it took (RFC 7616 section 3.5), and the header that they came in."""


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

    __slots__ = (
        "_answered",
        "_authenticator",
        "_body",
        "_given",
        "_method",
        "_rounds",
        "_uri",
        "lines",
        "problem",
        "sessions",
    )

    def __init__(self, authenticator: Authenticator, method: str, uri: str, body: bytes) -> None:
        self._authenticator = authenticator
        self._method, self._uri, self._body = method, uri, body
        self._answered: dict[tuple[str, str], int] = {}
        self._given: dict[tuple[str, str], Credentials] = {}
        self._rounds = 0
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
        self._rounds += 1
        for realm, challenge in chosen.items():
            self._answered[answers, realm] = self._answered.get((answers, realm), 0) + 1
            self.sessions[answers, realm] = self._authenticator.session(challenge)
        ours = {key: session for key, session in self.sessions.items() if key[0] == answers}
        self._authenticator.remember(code, hop, self._uri, ours)
        self.write()
        return True

    def accepted(self, response: Response) -> str:
        """Take the nonce that a server wants next time; what is wrong with its own proof that it knows the password,
        empty when nothing is (Authentication-Info, RFC 7616 section 3.5)."""
        problem = ""
        for brings, answers in _INFORMS:
            info = response.headers.get(brings)
            keys = [key for key in self.sessions if key[0] == answers]
            if info is not None and len(keys) == 1:  # it names no realm: among several nobody knows whose it is
                self._change_nonce(self.sessions[keys[0]], next_nonce(info))
                problem = self._unproven(self._given[keys[0]], response_proof(info), response.body) or problem
        return problem

    def _change_nonce(self, session: _Session, nonce: str) -> None:
        if nonce:
            session.challenge = replace(session.challenge, nonce=nonce, stale=False)
            session.count = 0

    def _unproven(self, given: Credentials, proof: str, body: bytes) -> str:
        if proof in ("", prove(given, self._authenticator.login, "", body)):
            return ""
        return f'the server of realm "{given.realm}" does not know the password itself: its rspauth is wrong'

    def write(self) -> None:
        """Make the lines anew: every request has a count of its own."""
        self._given = {key: self._credentials(used) for key, used in self.sessions.items()}
        self.lines = "".join([f"{field}: {given}\r\n" for (field, _), given in self._given.items()])

    def _credentials(self, used: _Session) -> Credentials:
        used.count += 1
        login = self._authenticator.login
        return make_credentials(used.challenge, login, self._method, self._uri, self._body, used.count, used.cnonce)

    def _refused(self, chosen: dict[str, Challenge], answers: str) -> str:
        if self._rounds >= MAX_ROUNDS:
            return f"{self._rounds} challenges were answered, and there is still another one"
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
