"""Whether and how a stream is protected, out of offer and answer: SDES (RFC 4568) or DTLS-SRTP (RFC 5763, RFC 8122).

What is offered as RTP/AVP with crypto lines is what phones and PBXs call best effort: who knows the lines answers one
of them, who does not answers plain RTP (`optional`). RTP/SAVP leaves no such choice (`required`).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final

from sipflow.media_params import DtlsParams, Fingerprint, SrtpKeys
from sipflow.problems import Attribute, TransportProtocol
from sipflow.sdp.crypto import CryptoLine, read_crypto_lines
from sipflow.sdp.session import Lines, MediaDescription, SessionDescription
from sipflow.values import dataclass

PLAIN: Final = "RTP/AVP"
SDES: Final = "RTP/SAVP"
DTLS: Final = "UDP/TLS/RTP/SAVP"

_SDES_PROTOCOLS: Final = frozenset((PLAIN, SDES))
_DTLS_PROTOCOLS: Final = frozenset((DTLS, "UDP/TLS/RTP/SAVPF", SDES, "RTP/SAVPF", PLAIN))
"""The last three are what implementations before RFC 5764 section 8 was settled write, and some still do."""

_FINGERPRINT: Final = re.compile(r"([A-Za-z0-9-]++)[ \t]++([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})++)[ \t]*+")


class SecurityMode(enum.Enum):
    """Setting `srtp` of an agent."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"
    DTLS = "dtls"


@dataclass(frozen=True, slots=True)
class Security:
    """What the local side of a call does about SRTP."""

    mode: SecurityMode = SecurityMode.OFF
    crypto: tuple[CryptoLine, ...] = ()
    """A line with a key of its own for each suite, in the order of preference; none for DTLS."""
    suites: tuple[str, ...] = ()
    """Crypto suites that are taken, in the order of preference."""
    fingerprint: Fingerprint | None = None
    """Of the certificate that is shown in DTLS."""
    active: bool | None = None
    """Part in the DTLS association that is there already; None without one."""


UNPROTECTED: Final = Security()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of it: how packets are protected, and what an answer says about it."""

    lines: Lines = ()
    srtp: SrtpKeys | None = None
    dtls: DtlsParams | None = None


# --- the three moves ---


def offered_protocol(security: Security) -> str:
    """The protocol of the `m=` line of an offer."""
    if security.mode is SecurityMode.REQUIRED:
        return SDES
    return DTLS if security.mode is SecurityMode.DTLS else PLAIN


def offered_lines(security: Security) -> Lines:
    """What an offer says about keys."""
    if security.mode is SecurityMode.DTLS:
        return _dtls_lines(security, "actpass")
    return tuple(("a", f"crypto:{line}") for line in security.crypto)


def accept_offer(security: Security, offer: SessionDescription, media: MediaDescription) -> Agreement | str:
    """How a stream that was offered is answered, or why it cannot be, for a person."""
    if security.mode is SecurityMode.DTLS:
        return _accept_dtls(security, offer, media)
    protocol = media.protocol.upper()
    problem = _protocol_problem(security, media)
    if problem:
        return problem
    if security.mode is SecurityMode.OFF:
        return Agreement()
    theirs = read_crypto_lines(media.attributes("crypto"))
    chosen = next((line for line in theirs if not line.problem(security.suites)), None)
    if chosen is not None:
        return _answer_line(security, chosen)
    if protocol == SDES or security.mode is SecurityMode.REQUIRED:
        return _no_line("offered", media, theirs, security)
    return Agreement()


def take_answer(
    security: Security,
    offered: MediaDescription,
    answer: SessionDescription,
    answered: MediaDescription,
) -> Agreement | str:
    """What the answer to our offer makes of it, or why it cannot be used. The offer may be one that a user wrote."""
    if security.mode is SecurityMode.DTLS:
        return _take_dtls_answer(security, answer, answered)
    ours, theirs = read_crypto_lines(offered.attributes("crypto")), answered.attributes("crypto")
    protected = SDES in (offered.protocol.upper(), answered.protocol.upper())
    if not ours:
        return "RTP/SAVP was offered without a crypto line" if protected else Agreement()
    if not theirs:
        needed = protected or security.mode is SecurityMode.REQUIRED
        return "the answer has no crypto line: the stream would not be protected" if needed else Agreement()
    return _take_line(ours, theirs)


# --- SDES ---


def _protocol_problem(security: Security, media: MediaDescription) -> str:
    protocol = media.protocol.upper()
    if protocol in (_SDES_PROTOCOLS if security.mode is not SecurityMode.OFF else (PLAIN,)):
        return ""
    here = {SecurityMode.OFF: "RTP/AVP (`srtp off`)", SecurityMode.OPTIONAL: "RTP/AVP or RTP/SAVP"}
    return TransportProtocol(f"audio was offered as {media.protocol}, here it is {here.get(security.mode, 'RTP/SAVP')}")


def _answer_line(security: Security, chosen: CryptoLine) -> Agreement:
    """The answer repeats tag and suite, and has a key of its own (RFC 4568 section 7.1.2)."""
    own = next(line for line in security.crypto if line.suite == chosen.suite)
    answer = CryptoLine(chosen.tag, chosen.suite, own.keys)
    return Agreement((("a", f"crypto:{answer}"),), SrtpKeys(chosen.suite, own.key, chosen.key))


def _take_line(ours: tuple[CryptoLine, ...], theirs: Sequence[str]) -> Agreement | str:
    """RFC 4568 section 7.1.3: exactly one line, of a tag and suite that were offered."""
    lines = read_crypto_lines(theirs)
    if len(theirs) != 1 or not lines:
        return f"the answer has {len(theirs)} crypto lines, it has to choose one" if len(theirs) > 1 else (
            "the answer's crypto line cannot be read"
        )  # fmt: skip
    (answer,) = lines
    own = next((line for line in ours if line.tag == answer.tag), None)
    if own is None:
        return f"the answer chose the crypto line {answer.tag}, which was not offered"
    if own.suite != answer.suite:
        return f"the answer says {answer.suite} for the crypto line {answer.tag}, which is {own.suite}"
    problem = answer.problem((own.suite,))
    return f"the answer's crypto line: {problem}" if problem else Agreement(
        srtp=SrtpKeys(own.suite, own.key, answer.key)
    )  # fmt: skip


def _no_line(where: str, media: MediaDescription, theirs: tuple[CryptoLine, ...], security: Security) -> str:
    if not media.attributes("crypto"):
        return Attribute(f"{media.protocol} was {where} without a crypto line, here media has to be protected (SRTP)")
    problems = "; ".join(dict.fromkeys(line.problem(security.suites) for line in theirs)) or "none can be read"
    return Attribute(f"no crypto line that was {where} can be used: {problems}")


# --- DTLS ---


def _dtls_lines(security: Security, setup: str) -> Lines:
    return (("a", f"setup:{setup}"), ("a", f"fingerprint:{security.fingerprint}"))


def _accept_dtls(security: Security, offer: SessionDescription, media: MediaDescription) -> Agreement | str:
    if media.protocol.upper() not in _DTLS_PROTOCOLS:
        return TransportProtocol(f"audio was offered as {media.protocol}, here it is {DTLS}")
    fingerprints = read_fingerprints(offer, media)
    if not fingerprints:
        return Attribute(f"{media.protocol} was offered without a fingerprint, here keys come by DTLS (`srtp dtls`)")
    active = _part_in_answer(_setup_of(offer, media), security.active)
    if active is None:
        return Attribute(f"DTLS was offered with a=setup:{_setup_of(offer, media)}, to which there is no answer")
    lines = _dtls_lines(security, "active" if active else "passive")
    return Agreement(lines, dtls=DtlsParams(active, fingerprints, security.suites))


def _take_dtls_answer(
    security: Security, answer: SessionDescription, answered: MediaDescription
) -> Agreement | str:  # fmt: skip
    fingerprints, setup = read_fingerprints(answer, answered), _setup_of(answer, answered)
    if not fingerprints:
        return "the answer has no fingerprint: whoever speaks DTLS there could be anybody"
    if setup not in ("active", "passive"):
        return f"the answer has a=setup:{setup}, it has to be active or passive"
    return Agreement(dtls=DtlsParams(setup == "passive", fingerprints, security.suites))


def _part_in_answer(offered: str, current: bool | None) -> bool | None:
    """Whether the answerer begins (RFC 5763 section 5: it should); an association that is there keeps its parts."""
    if offered == "actpass":
        return True if current is None else current
    return {"passive": True, "active": False}.get(offered)


def _setup_of(description: SessionDescription, media: MediaDescription) -> str:
    """Without the attribute the side that says nothing would begin (RFC 4145 section 4)."""
    return (media.attribute("setup") or description.attribute("setup") or "active").lower()


def read_fingerprints(description: SessionDescription, media: MediaDescription) -> tuple[Fingerprint, ...]:
    """Of the stream, else of the session (RFC 8122 section 5)."""
    values = media.attributes("fingerprint") or [description.attribute("fingerprint") or ""]
    matches = (_FINGERPRINT.fullmatch(value) for value in values)
    return tuple(Fingerprint(match[1].lower(), match[2].upper()) for match in matches if match)
