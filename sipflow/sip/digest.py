"""Digest authentication as arithmetic: challenges, credentials, and the value that proves the password.

RFC 7616 (the scheme), RFC 8760 (SHA-2 in SIP), RFC 3261 section 22.4 (what SIP changes). Nothing here remembers
anything: `authenticator` answers challenges, `challenger` makes them.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from typing import Self
from urllib.parse import quote, unquote

from sipflow.sip.headers import HeaderError, is_token, quote_string, split_list, unquote_string
from sipflow.values import dataclass, field, replace

_SCHEME = "digest"


class Algorithm(enum.StrEnum):
    """Hash functions, by the token that names them (RFC 8760 section 2.1)."""

    MD5 = "MD5"
    SHA_256 = "SHA-256"
    SHA_512_256 = "SHA-512-256"

    def hash(self, content: str | bytes) -> str:
        """Hash value in lower-case hexadecimal digits; text counts as the bytes that it came as, UTF-8 or not."""
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return hashlib.new(_HASHES[self], data, usedforsecurity=False).hexdigest()


_HASHES = {Algorithm.MD5: "md5", Algorithm.SHA_256: "sha256", Algorithm.SHA_512_256: "sha512_256"}
_BY_NAME = {algorithm.lower(): algorithm for algorithm in Algorithm}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate value."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    """As the server writes it; `-sess` variants and unknown names included."""
    qop: tuple[str, ...] = ()
    """What the server offers, empty when it knows of none (RFC 2069)."""
    opaque: str | None = None
    stale: bool = False
    """The credentials were right, only their nonce is too old."""
    userhash: bool = False
    """The server wants the hash of the user name (RFC 7616 section 3.4.4)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one value; HeaderError when it is no Digest challenge or lacks realm or nonce."""
        found = _directives(text)
        try:
            realm, nonce = found["realm"], found["nonce"]
        except KeyError as missing:
            raise HeaderError(f"a challenge without {missing.args[0]}") from None
        return cls(
            realm=realm,
            nonce=nonce,
            algorithm=found.get("algorithm", "MD5"),
            qop=tuple(word.lower() for word in split_list(found.get("qop", ""))),
            opaque=found.get("opaque"),
            stale=found.get("stale", "").lower() == "true",
            userhash=found.get("userhash", "").lower() == "true",
        )

    @classmethod
    def parse_many(cls, values: Iterable[str]) -> list[Self]:
        """All Digest challenges of header values, in their order; those of other schemes and broken ones are left
        out, since a client answers what it understands (RFC 8760 section 2.4)."""
        challenges = []
        for text in values:
            for part in _split_challenges(text):
                try:
                    challenges.append(cls.parse(part))
                except HeaderError:
                    continue
        return challenges

    def __str__(self) -> str:
        """The value as it stands in a header."""
        directives = [f"realm={quote_string(self.realm)}", f"nonce={quote_string(self.nonce)}"]
        if self.opaque is not None:
            directives.append(f"opaque={quote_string(self.opaque)}")
        directives.append(f"algorithm={self.algorithm}")
        if self.qop:
            directives.append(f'qop="{",".join(self.qop)}"')
        if self.stale:
            directives.append("stale=true")
        if self.userhash:
            directives.append("userhash=true")
        return "Digest " + ", ".join(directives)

    @property
    def is_understood(self) -> bool:
        """Whether credentials can be made for it."""
        return algorithm_of(self.algorithm) is not None and (not self.qop or bool(self.chosen_qop))

    @property
    def chosen_qop(self) -> str:
        """auth where it is offered, since proxies may change bodies; auth-int where only that is; empty for none."""
        return next((word for word in ("auth", "auth-int") if word in self.qop), "")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One Authorization or Proxy-Authorization value."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    """The proof, in hexadecimal digits."""
    algorithm: str = "MD5"
    qop: str = ""
    nc: str = ""
    """Nonce count: eight hexadecimal digits, empty without qop."""
    cnonce: str = ""
    opaque: str | None = None
    userhash: bool = False
    """The user name is its hash."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one value; HeaderError when it is no Digest or lacks what every one has."""
        found = _directives(text)
        name = found.get("username")
        if name is None and "username*" in found:
            name = _extended_value(found["username*"])
        missing = [key for key in ("realm", "nonce", "uri", "response") if key not in found]
        if name is None or missing:
            raise HeaderError(f"credentials without {missing[0] if missing else 'username'}")
        return cls(
            username=name,
            realm=found["realm"],
            nonce=found["nonce"],
            uri=found["uri"],
            response=found["response"].lower(),
            algorithm=found.get("algorithm", "MD5"),
            qop=found.get("qop", "").lower(),
            nc=found.get("nc", ""),
            cnonce=found.get("cnonce", ""),
            opaque=found.get("opaque"),
            userhash=found.get("userhash", "").lower() == "true",
        )

    def __str__(self) -> str:
        """The value as it stands in a header."""
        directives = [
            _user_directive(self.username),
            f"realm={quote_string(self.realm)}",
            f"nonce={quote_string(self.nonce)}",
            f"uri={quote_string(self.uri)}",
            f'response="{self.response}"',
            f"algorithm={self.algorithm}",
        ]
        if self.qop:
            directives += [f"cnonce={quote_string(self.cnonce)}", f"qop={self.qop}", f"nc={self.nc}"]
        if self.opaque is not None:
            directives.append(f"opaque={quote_string(self.opaque)}")
        if self.userhash:
            directives.append("userhash=true")
        return "Digest " + ", ".join(directives)


@dataclass(frozen=True, slots=True)
class Login:
    """A user and the password that belongs to it."""

    user: str
    password: str = field(repr=False)


def algorithm_of(name: str) -> Algorithm | None:
    """The hash function that a name stands for, with or without `-sess`; None when we do not know it."""
    return _BY_NAME.get(name.lower().removesuffix("-sess"))


def make_credentials(
    challenge: Challenge, login: Login, method: str, uri: str, body: bytes, nonce_count: int, cnonce: str
) -> Credentials:
    """Answer a challenge that is understood (`Challenge.is_understood`)."""
    algorithm = algorithm_of(challenge.algorithm)
    assert algorithm is not None, "the caller asks is_understood first"
    name = algorithm.hash(f"{login.user}:{challenge.realm}") if challenge.userhash else login.user
    unproven = Credentials(
        username=name,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=challenge.algorithm,
        qop=challenge.chosen_qop,
        nc=f"{nonce_count:08x}" if challenge.qop else "",
        cnonce=cnonce,
        opaque=challenge.opaque,
        userhash=challenge.userhash,
    )
    return _proven(unproven, prove(unproven, login, method, body))


def prove(credentials: Credentials, login: Login, method: str, body: bytes) -> str:
    """The `response` that these credentials must have for that password (RFC 7616 section 3.4.1); HeaderError for an
    algorithm or a qop that we do not know."""
    algorithm = algorithm_of(credentials.algorithm)
    if algorithm is None or credentials.qop not in ("", "auth", "auth-int"):
        raise HeaderError(f"unknown algorithm {credentials.algorithm} or qop {credentials.qop}")
    secret = algorithm.hash(f"{login.user}:{credentials.realm}:{login.password}")
    if credentials.algorithm.lower().endswith("-sess"):
        secret = algorithm.hash(f"{secret}:{credentials.nonce}:{credentials.cnonce}")
    request = f"{method}:{credentials.uri}"
    if credentials.qop == "auth-int":
        request += f":{algorithm.hash(body)}"
    how = f"{credentials.nc}:{credentials.cnonce}:{credentials.qop}:" if credentials.qop else ""
    return algorithm.hash(f"{secret}:{credentials.nonce}:{how}{algorithm.hash(request)}")


def next_nonce(authentication_info: str) -> str:
    """The nonce for the next request that an Authentication-Info names (RFC 7616 section 3.5); empty when none."""
    return _pairs(authentication_info).get("nextnonce", "")


def response_proof(authentication_info: str) -> str:
    """What a server proves by that it knows the password, too (rspauth): `prove` without method over the body of the
    response must give the same (RFC 7616 section 3.5); empty when it proves nothing."""
    return _pairs(authentication_info).get("rspauth", "").lower()


def _proven(credentials: Credentials, response: str) -> Credentials:
    return replace(credentials, response=response)


def _directives(text: str) -> dict[str, str]:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != _SCHEME:
        raise HeaderError(f"not Digest but {scheme[:20]!r}")
    return _pairs(rest)


def _pairs(text: str) -> dict[str, str]:
    """Directives by lower-case name; the first of a name counts."""
    found: dict[str, str] = {}
    for part in split_list(text):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), unquote_string(value.strip()))
    return found


def _split_challenges(text: str) -> list[str]:
    """One header may hold several challenges: a new one begins with a scheme and a space before its first `=`."""
    challenges: list[str] = []
    for part in split_list(text):
        scheme, space, _ = part.partition("=")[0].partition(" ")
        if (space and is_token(scheme)) or not challenges:
            challenges.append(part)
        else:
            challenges[-1] += f", {part}"
    return challenges


def _user_directive(name: str) -> str:
    """ASCII quoted, everything else by RFC 5987 (RFC 7616 section 3.4)."""
    return f"username={quote_string(name)}" if name.isascii() else f"username*=UTF-8''{quote(name, safe='')}"


def _extended_value(text: str) -> str | None:
    charset, _, rest = text.partition("'")
    _, quote_mark, value = rest.partition("'")
    return unquote(value, "utf-8") if charset.lower() == "utf-8" and quote_mark else None
