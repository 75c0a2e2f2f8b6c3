"""Names of codecs."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.graph import OPUS_STEREO, plain_codec
from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.syntax import Node, Token

CANONICAL = {
    "pcmu": "PCMU", "pcma": "PCMA", "opus": "opus", "g722": "G722", "l16": "L16", "cn": "CN",
    "gsm": "GSM", "g729": "G729", "g729b": "G729B", "g723": "G723", "ilbc": "iLBC", "ilbc20": "iLBC20",
    "amr": "AMR", "amr_wb": "AMR-WB",
}  # fmt: skip
"""Name as written, in lower case, to the registry's spelling (RFC 3551 section 6); where parameters make two of one
codec, to a name that tells them apart (`encoding_name`)."""

_ENCODINGS = {"G729B": "G729", "iLBC20": "iLBC"}


def encoding_name(codec: str) -> str:
    """What a codec of `CANONICAL` is called in a session description."""
    return _ENCODINGS.get(codec, plain_codec(codec))


_PACKET_TIMES_MS = {"opus": (5, 10, 20, 40, 60), "L16": tuple(range(5, 44))}
_FRAMES_MS = {"GSM": 20, "G729": 10, "G729B": 10, "G723": 30, "iLBC": 30, "iLBC20": 20, "AMR": 20, "AMR-WB": 20}
_SHORTEST_MS, _LONGEST_MS = 5, 60


def packet_times_ms(codec: str) -> tuple[int, ...]:
    """How long packets of a codec of `CANONICAL` may be that a leg sends (L16 at 16 kHz: what fits a datagram)."""
    frame_ms = _FRAMES_MS.get(codec, 1)
    first = -(-_SHORTEST_MS // frame_ms) * frame_ms
    return _PACKET_TIMES_MS.get(plain_codec(codec), tuple(range(first, _LONGEST_MS + 1, frame_ms)))


def sent_ms(codec: str, wanted_ms: int) -> int:
    """How long packets are where `wanted_ms` is asked for: as long as that, else shorter, else as short as can be."""
    times = packet_times_ms(codec)
    return max((ms for ms in times if ms <= wanted_ms), default=times[0])


_ALIASES = {"ulaw": "pcmu", "mulaw": "pcmu", "g711u": "pcmu", "g711": "pcmu", "alaw": "pcma", "g711a": "pcma"}
_ALIASES |= {"g729a": "g729", "g729ab": "g729b", "g723_1": "g723", "ilbc30": "ilbc", "amrnb": "amr", "amrwb": "amr_wb"}


def read_codecs(node: Node, context: Context) -> tuple[str, ...]:
    """Canonical names of a `codecs` list in its order, `opus stereo` for what is wanted in two channels; what is wrong
    is reported and left out."""
    names: dict[str, str] = {}
    for token, two_channels in _entries(node):
        name = _canonical(token, context)
        if name in names:
            context.report.error("SF213", f"the codec {name} is given twice", context.span(token), "once is enough")
        elif name is not None:
            names[name] = OPUS_STEREO if _may_be_stereo(name, two_channels, context) else name
            _need(name, token, context)
    return tuple(names.values())


def _entries(node: Node) -> Iterator[tuple[Token, Node | None]]:
    """Names, each with the `stereo` behind it."""
    for at, child in enumerate(node.children):
        if isinstance(child, Token) and child.kind == "NAME":
            behind = node.children[at + 1] if at + 1 < len(node.children) else None
            yield child, behind if isinstance(behind, Node) and behind.rule == "two_channels" else None


def _may_be_stereo(name: str, two_channels: Node | None, context: Context) -> bool:
    if two_channels is not None and name != "opus":
        message, help_text = f"`{name.lower()}` takes no `stereo`", "of the codecs only opus has two channels"
        context.report.error("SF215", message, context.span(two_channels), "it has one channel", help=help_text)
    return two_channels is not None and name == "opus"


def _need(name: str, token: Token, context: Context) -> None:
    """SF412: the codec is a library's, and the machine that checks has none."""
    missing = context.files.missing_for(name) if context.files is not None else ""
    if missing:
        message = f"the codec {name} cannot be used on this machine"
        context.report.warning("SF412", message, context.span(token), "its library is missing", help=missing)


def _canonical(token: Token, context: Context) -> str | None:
    written = token.text.lower()
    if written in CANONICAL:
        return CANONICAL[written]
    near = _ALIASES.get(written) or closest(written, CANONICAL)
    help_text = f"did you mean `{near}`?" if near else f"known codecs are {', '.join(CANONICAL)}"
    where = context.span(token)
    fix = replace(where, near) if near else None
    context.report.error("SF210", f"unknown codec `{token.text}`", where, "not known", help=help_text, fix=fix)
    return None
