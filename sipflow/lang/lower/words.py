"""Settings that take one of a few words."""

from __future__ import annotations

from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.syntax import Node

_DTMF = ("rfc4733", "info", "inband")
WORDS = {
    "dtmf_mode": _DTMF,
    "via": _DTMF,
    "srtp": ("off", "optional", "required"),
    "listen": ("udp", "tcp", "tls", "ws", "wss"),
    "provisional": ("off", "supported", "required"),
    "refresher": ("local", "remote"),
    "hold_style": ("direction", "address"),
    "algorithm": ("md5", "sha256", "sha512_256"),
    "qop": ("auth", "auth_int", "none"),
    "arrivals": ("poisson", "uniform"),
}
"""Rule of the grammar to the words that it takes."""


def read_word(node: Node, context: Context) -> str | None:
    """The word of a setting; None, and SF211, when it is none of those that exist."""
    token = node.token("NAME")
    assert token is not None, "the grammar has a word here"
    known = WORDS[node.rule]
    if token.text in known:
        return token.text
    near = closest(token.text, known, 0.5)
    where = context.span(token)
    fix = replace(where, near) if near else None
    label = f"one of {', '.join(known)}"
    context.report.error("SF211", f"`{token.text}` is unknown here", where, label, fix=fix)
    return None
