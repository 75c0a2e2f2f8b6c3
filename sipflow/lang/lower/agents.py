"""Agents: what their declarations say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sipflow.ir.expr import Expr, Literal, Unit, constant_ms, constant_text
from sipflow.ir.graph import Agent, Auth, Listen, MediaSettings
from sipflow.ir.span import Span
from sipflow.lang.lower.clauses import read_header, twice
from sipflow.lang.lower.codecs import read_codecs
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.words import read_word
from sipflow.lang.syntax import Node, Token

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]*)(?::([0-9]+))?")
MAX_PTIME_MS = 200


def read_agent(node: Node, context: Context, driven: bool) -> Agent:
    """The agent of an `agent` node; `driven` says whether a lane has its name."""
    token = _name(node)
    values: dict[str, object] = {}
    reader = ExpressionReader(context, Names())
    for item in node.nodes():
        if item.rule in _SETTINGS:
            _keep(values, item, _SETTINGS[item.rule], reader)
    remote = not driven and "uri" in values
    return Agent(token.text, context.span(token), remote=remote, **values)  # type: ignore[arg-type]


def _keep(values: dict[str, object], item: Node, setting: Setting, reader: ExpressionReader) -> None:
    value = setting.read(item, reader)
    if item.rule == "header":
        values["headers"] = (*values.get("headers", ()), value)  # type: ignore[misc]
        return
    if setting.name in values:
        twice(reader.context, item.start, item)
    if value is not None:
        values[setting.name] = value


def read_remote(node: Node, context: Context) -> Agent:
    """The agent of `agent NAME = "sip:…"`."""
    token = _name(node)
    reader = ExpressionReader(context, Names())
    uri = require(reader, reader.read(next(node.nodes())), "string", "the address")
    return Agent(token.text, context.span(token), remote=True, uri=uri)


def _name(node: Node) -> Token:
    token = node.token("NAME")
    assert token is not None, "the grammar gives agents a name"
    return token


@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting of an agent is read."""

    name: str
    """Field of `Agent`."""
    read: Callable[[Node, ExpressionReader], object]


def _expression(item: Node, reader: ExpressionReader) -> Expr:
    return reader.read(next(item.nodes()))


def _text(what: str) -> Callable[[Node, ExpressionReader], Expr]:
    def read(item: Node, reader: ExpressionReader) -> Expr:
        return require(reader, _expression(item, reader), "string", what)

    return read


def _number(item: Node, reader: ExpressionReader) -> Expr:
    """Numbers keep their leading zeros: they are text."""
    node = next(item.nodes())
    token = node.children[0]
    if node.rule == "literal" and isinstance(token, Token) and token.kind == "NUMBER":
        return Literal(token.text, reader.context.span(token))
    return require(reader, reader.read(node), "string", "the number")


def _word(item: Node, reader: ExpressionReader) -> str | None:
    return read_word(item, reader.context)


def _listen(item: Node, reader: ExpressionReader) -> Listen | None:
    transport = read_word(item, reader.context) or "udp"
    token = item.token("STRING", "RAW")
    where = reader.context.span(item)
    if token is None:
        return Listen(transport, span=where)
    address = reader.string(token)
    text = constant_text(address)
    span = reader.context.span(token)
    if text is None:
        reader.context.report.error("SF218", "the address to listen at must be constant", span, "no `${…}` here")
    if text is None or not reader.context.is_readable(address):
        return None
    return _listen_at(transport, text, span, where, reader.context)


def _listen_at(transport: str, text: str, span: Span, where: Span, context: Context) -> Listen | None:
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        context.report.error("SF212", f"`{text[:40]}` is no address to listen at", span, 'such as "127.0.0.1:5062"')
        return None
    host, port = found.groups()
    if port is not None and int(port[:9]) > 65535:
        context.report.error("SF212", f"there is no port {port[:12]}", span, "ports go from 0 to 65535")
        return None
    return Listen(transport, host.strip("[]") or Listen().host, int(port or 0), where)


def _auth(item: Node, reader: ExpressionReader) -> Auth:
    user, password = (reader.read(node) for node in item.nodes())
    return Auth(user, password)


def _codecs(item: Node, reader: ExpressionReader) -> tuple[str, ...] | None:
    return read_codecs(item, reader.context) or None


def _ptime(item: Node, reader: ExpressionReader) -> int | None:
    value = _constant_ms(_expression(item, reader), reader, "the packet time")
    if value is not None and not (1 <= value <= MAX_PTIME_MS and value % 1 == 0):
        where = reader.context.span(next(item.nodes()))
        reader.context.report.error("SF208", "no packet time", where, f"1ms to {MAX_PTIME_MS}ms, without fractions")
        return None
    return None if value is None else int(value)


def _constant_ms(value: Expr, reader: ExpressionReader, what: str) -> float | None:
    before = len(reader.context.report.diagnostics)
    require(reader, value, Unit.MILLISECOND, what, "ms")
    milliseconds = constant_ms(value)
    if milliseconds is None and len(reader.context.report.diagnostics) == before:
        reader.context.report.error("SF218", f"{what} must be constant", value.span, "a duration such as `20ms`")
    return milliseconds if reader.context.is_readable(value) else None


def _media(item: Node, reader: ExpressionReader) -> MediaSettings:
    values: dict[str, object] = {}
    for setting in item.nodes("ports", "jitter_buffer"):
        found = _ports(setting, reader) if setting.rule == "ports" else _jitter_buffer(setting, reader)
        if values.keys() & found.keys():
            twice(reader.context, setting.start, setting)
        values |= found
    return MediaSettings(**values)  # type: ignore[arg-type]


def _ports(item: Node, reader: ExpressionReader) -> dict[str, object]:
    first, last = item.tokens("NUMBER")
    context = reader.context
    for token in (first, last):
        if not token.text.isdigit() or not 1 <= int(token.text) <= 65535:
            context.report.error("SF212", f"there is no port {token.text}", context.span(token), "1 to 65535")
            return {}
    if int(first.text) >= int(last.text):
        where = context.report.source.span(first.start, last.end)
        context.report.error("SF212", "this range of ports is too small", where, "RTP and RTCP need two ports at least")
        return {}
    return {"first_port": int(first.text), "last_port": int(last.text)}


def _jitter_buffer(item: Node, reader: ExpressionReader) -> dict[str, object]:
    times = [_constant_ms(reader.read(node), reader, "the playout delay") for node in item.nodes()]
    least, most = times[0], times[-1]
    if least is None or most is None:
        return {}
    if least > most:
        where = reader.context.span(item)
        reader.context.report.error("SF208", "the playout delay's range is empty", where, "least first, then most")
        return {}
    adaptive = item.token("ADAPTIVE") is not None
    return {"jitter_adaptive": adaptive, "jitter_min_ms": int(least), "jitter_max_ms": int(most)}


def _every(item: Node, reader: ExpressionReader) -> Expr:
    return require(reader, _expression(item, reader), Unit.MILLISECOND, "the interval")


_SETTINGS = {
    "number": Setting("number", _number),
    "uri": Setting("uri", _text("the address")),
    "listen": Setting("listen", _listen),
    "proxy": Setting("proxy", _text("the proxy")),
    "register_every": Setting("register_every", _every),
    "auth": Setting("auth", _auth),
    "codecs": Setting("codecs", _codecs),
    "ptime": Setting("ptime_ms", _ptime),
    "dtmf_mode": Setting("dtmf", _word),
    "srtp": Setting("srtp", _word),
    "header": Setting("headers", read_header),
    "media": Setting("media", _media),
}
