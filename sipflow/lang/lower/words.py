"""Settings that take one of a few words."""

from __future__ import annotations

from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.syntax import Node, Token
from sipflow.media_params import SRTP_KEY_BYTES

_DTMF = ("rfc4733", "info", "inband")
WORDS = {
    "dtmf_mode": _DTMF,
    "via": _DTMF,
    "srtp": ("off", "optional", "required", "dtls"),
    "listen": ("udp", "tcp", "tls", "ws", "wss"),
    "provisional": ("off", "supported", "required"),
    "refresher": ("local", "remote"),
    "hold_style": ("direction", "address"),
    "algorithm": ("md5", "sha256", "sha512_256"),
    "qop": ("auth", "auth_int", "none"),
    "arrivals": ("poisson", "uniform"),
}
"""Rule of the grammar to the words that it takes."""

SUITES = tuple(SRTP_KEY_BYTES)
"""Crypto suites that `srtp` may be followed by."""


def read_word(node: Node, context: Context) -> str | None:
    """The word of a setting; None, and SF211, when it is none of those that exist."""
    token = node.token("NAME")
    assert token is not None, "the grammar has a word here"
    return _one_of(token, WORDS[node.rule], context)


def read_suites(node: Node, context: Context) -> tuple[str, ...]:
    """Crypto suites of an `srtp` setting, as RFC 4568 spells them; what is wrong is reported and left out."""
    found: dict[str, None] = {}
    for token in node.tokens("NAME"):
        suite = token.text.upper() if token.text.upper() in SUITES else _one_of(token, SUITES, context)
        if suite in found:
            context.report.error("SF213", f"the suite {suite} is given twice", context.span(token), "once is enough")
        elif suite is not None:
            found[suite] = None
    return tuple(found)


def _one_of(token: Token, known: tuple[str, ...], context: Context) -> str | None:
    if token.text in known:
        return token.text
    near = closest(token.text, known, 0.5)
    where = context.span(token)
    fix = replace(where, near) if near else None
    label = f"one of {', '.join(known)}"
    context.report.error("SF211", f"`{token.text}` is unknown here", where, label, fix=fix)
    return None
