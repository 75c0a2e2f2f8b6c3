"""Agents: what their declarations say."""

from __future__ import annotations

import re
from collections.abc import Callable

from sipflow.ir.expr import Expr, Literal, Unit, constant_ms, constant_text
from sipflow.ir.graph import (
    DEFAULT_CODECS,
    Agent,
    Auth,
    Challenge,
    Listen,
    MediaSettings,
    Registrar,
    SessionTimer,
    Tls,
    plain_codec,
)
from sipflow.ir.span import Span
from sipflow.lang.lower.codecs import packet_times_ms, read_codecs, sent_ms
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.messages import read_header, twice
from sipflow.lang.lower.targets import bare_name
from sipflow.lang.lower.words import read_suites, read_word
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass

_HOST_PORT = r"(\[[0-9A-Fa-f:.]+\]|[^:\s]*)(?::([0-9]+))?"
MAX_PTIME_MS = 200
MIN_SESSION_MS = 90_000


def read_agent(node: Node, context: Context, driven: bool) -> Agent:
    """The agent of an `agent` node; `driven` says whether a lane has its name."""
    token = _name(node)
    values: dict[str, object] = {}
    reader = ExpressionReader(context, Names())
    for item in node.nodes():
        if item.rule in _SETTINGS:
            _keep(values, item, _SETTINGS[item.rule], reader)
    _check_ptime(node, values.get("codecs", DEFAULT_CODECS), values.get("ptime_ms"), context)  # type: ignore[arg-type]
    check_tls(values.get("tls"), values.get("listens", ()), reader)  # type: ignore[arg-type]
    remote = not driven and "uri" in values and "registrar" not in values
    return Agent(token.text, context.span(token), remote=remote, **values)  # type: ignore[arg-type]


def _keep(values: dict[str, object], item: Node, setting: Setting, reader: ExpressionReader) -> None:
    value = setting.read(item, reader)
    if item.rule in _REPEATABLE:
        if value is not None:
            values[setting.name] = (*values.get(setting.name, ()), value)  # type: ignore[misc]
        return
    if setting.name in values:
        twice(reader.context, item.start, item)
    if isinstance(value, AgentName):
        values["proxy_agent"] = value.text
    elif isinstance(value, SrtpSetting):
        values["srtp"], values["srtp_suites"] = value.mode, value.suites
    elif value is not None:
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
    return _digits(node, reader) or require(reader, reader.read(node), "string", "the number")


def _digits(node: Node, reader: ExpressionReader) -> Literal | None:
    token = node.children[0]
    if node.rule == "literal" and isinstance(token, Token) and token.kind == "NUMBER":
        return Literal(token.text, reader.context.span(token))
    return None


def _word(item: Node, reader: ExpressionReader) -> str | None:
    return read_word(item, reader.context)


@dataclass(frozen=True, slots=True)
class SrtpSetting:
    """`srtp MODE SUITE, …`: two fields of an agent."""

    mode: str
    suites: tuple[str, ...]


def _srtp(item: Node, reader: ExpressionReader) -> SrtpSetting | None:
    mode, listed = read_word(item, reader.context), next(item.nodes("suites"), None)
    suites = () if listed is None else read_suites(listed, reader.context)
    if mode == "off" and listed is not None:
        message = "`srtp off` protects nothing, by no suite"
        reader.context.report.error("SF211", message, reader.context.span(listed), "not needed")
    return None if mode is None else SrtpSetting(mode, suites)


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
    found = re.fullmatch(_HOST_PORT, text)
    if found is None:
        context.report.error("SF212", f"`{text[:40]}` is no address to listen at", span, 'such as "127.0.0.1:5062"')
        return None
    host, port = found.groups()
    if port is not None and int(port[:9]) > 65535:
        context.report.error("SF212", f"there is no port {port[:12]}", span, "ports go from 0 to 65535")
        return None
    return Listen(transport, host.strip("[]") or Listen().host, int(port or 0), where)


def _auth(item: Node, reader: ExpressionReader) -> Auth:
    user, password = item.nodes()
    return Auth(_user_name(user, reader), _password(password, reader))


def _password(node: Node, reader: ExpressionReader) -> Expr:
    return _digits(node, reader) or reader.read(node)


def _user_name(node: Node, reader: ExpressionReader) -> Expr:
    """`auth 1001 password …`: numbers keep their leading zeros."""
    return _digits(node, reader) or require(reader, reader.read(node), "string", "the user")


def _codecs(item: Node, reader: ExpressionReader) -> tuple[str, ...] | None:
    return read_codecs(item, reader.context) or None


def _ptime(item: Node, reader: ExpressionReader) -> int | None:
    value = _constant_ms(_expression(item, reader), reader, "the packet time")
    if value is not None and not (1 <= value <= MAX_PTIME_MS and value % 1 == 0):
        where = reader.context.span(next(item.nodes()))
        reader.context.report.error("SF208", "no packet time", where, f"1ms to {MAX_PTIME_MS}ms, without fractions")
        return None
    return None if value is None else int(value)


def _check_ptime(node: Node, codecs: tuple[str, ...], ptime_ms: int | None, context: Context) -> None:
    """SF419: the packets that are sent have another length."""
    found = ((codec, sent_ms(codec, ptime_ms)) for codec in codecs if codec != "CN" and ptime_ms is not None)
    other = next((one for one in found if one[1] != ptime_ms), None)
    if other is not None:
        codec, ms = other
        item = next(item for item in node.nodes() if item.rule == "ptime")
        message = f"{plain_codec(codec)} is sent in packets of {ms} ms, not of {ptime_ms} ms"
        lengths = ", ".join(map(str, packet_times_ms(codec)[:6])) + (", …" if len(packet_times_ms(codec)) > 6 else "")
        context.report.warning(
            "SF419", message, context.span(next(item.nodes())), f"{ms} ms are sent", help=f"it has {lengths} ms"
        )


def _constant_ms(value: Expr, reader: ExpressionReader, what: str) -> float | None:
    before = len(reader.context.report.diagnostics)
    require(reader, value, Unit.MILLISECOND, what, "ms")
    milliseconds = constant_ms(value)
    if milliseconds is None and len(reader.context.report.diagnostics) == before:
        reader.context.report.error("SF218", f"{what} must be constant", value.span, "a duration such as `20ms`")
    return milliseconds if reader.context.is_readable(value) else None


def _media(item: Node, reader: ExpressionReader) -> MediaSettings:
    values: dict[str, object] = {}
    for setting in item.nodes(*_MEDIA_SETTINGS):
        found = _MEDIA_SETTINGS[setting.rule](setting, reader)
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


_MEDIA_SETTINGS: dict[str, Callable[[Node, ExpressionReader], dict[str, object]]] = {
    "ports": _ports,
    "jitter_buffer": _jitter_buffer,
    "rtcp_mux": lambda _item, _reader: {"rtcp_mux": True},
    "rtcp_reduced": lambda _item, _reader: {"rtcp_reduced": True},
    "latching": lambda _item, _reader: {"latching": True},
    "rtcp_xr": lambda _item, _reader: {"voip_metrics": True},
}


@dataclass(frozen=True, slots=True)
class AgentName:
    """An agent where an address may stand."""

    text: str


def _proxy(item: Node, reader: ExpressionReader) -> Expr | AgentName:
    """An address, or an agent of the file."""
    node, context = next(item.nodes()), reader.context
    token = bare_name(node)
    if token is None or token.text in context.variables or token.text not in context.agents:
        return require(reader, reader.read(node), "string", "the proxy")
    context.note(SymbolKind.AGENT, token.text, token)
    context.uses.callers.add(token.text)  # an imported one is part of the program by this
    return AgentName(token.text)


def _every(item: Node, reader: ExpressionReader) -> Expr:
    return require(reader, _expression(item, reader), Unit.MILLISECOND, "the interval")


def _tls(item: Node, reader: ExpressionReader) -> Tls:
    values: dict[str, object] = {}
    for setting in item.nodes(*_TLS_SETTINGS):
        found = _TLS_SETTINGS[setting.rule](setting, reader)
        if values.keys() & found.keys():
            twice(reader.context, setting.start, setting)
        values |= found
    return Tls(span=_head(item, reader), **values)  # type: ignore[arg-type]


def _head(item: Node, reader: ExpressionReader) -> Span:
    """The first word of a setting that may go over many lines."""
    word = item.children[0]
    return reader.context.span(word)


def _tls_file(setting: Node, reader: ExpressionReader) -> dict[str, object]:
    word = setting.children[0]
    assert isinstance(word, Token), "the grammar has a word here"
    return {word.kind.lower(): require(reader, _expression(setting, reader), "string", "the file")}


def _server_name(setting: Node, reader: ExpressionReader) -> dict[str, object]:
    return {"name": require(reader, _expression(setting, reader), "string", "the name")}


def check_tls(tls: Tls | None, listens: tuple[Listen, ...], reader: ExpressionReader) -> None:
    """SF236: certificates that are missing."""
    report = reader.context.report
    secure = next((listen for listen in listens if listen.transport in ("tls", "wss")), None)
    if secure is not None and (tls is None or tls.certificate is None):
        help_text = '`tls { certificate "cert.pem"; key "key.pem" }` names them'
        report.error("SF236", "this listens by TLS and has no certificate", secure.span, "no handshake", help=help_text)
    if tls is None:
        return
    if tls.key is not None and tls.certificate is None and secure is None:
        report.error("SF236", "a key without a certificate proves nothing", tls.span, "`certificate` is missing")
    if tls.client_certificate_required and tls.ca is None:
        help_text = '`ca "ca.pem"` names the certificates that are trusted'
        report.error("SF236", "no client certificate would be trusted", tls.span, "`ca` is missing", help=help_text)


_TLS_SETTINGS: dict[str, Callable[[Node, ExpressionReader], dict[str, object]]] = {
    "tls_file": _tls_file,
    "server_name": _server_name,
    "verify_off": lambda _setting, _reader: {"verify": False},
    "client_certificate": lambda _setting, _reader: {"client_certificate_required": True},
}


def _session_timer(item: Node, reader: ExpressionReader) -> SessionTimer | None:
    if item.token("OFF") is not None:
        return None
    expires, *_ = (node for node in item.nodes() if node.rule not in _TIMER_OPTIONS)
    refresher, least = (_single(item, rule, reader) for rule in _TIMER_OPTIONS)
    timer = SessionTimer(
        _session_seconds(expires, reader, "the session timer"),
        None if refresher is None else read_word(refresher, reader.context),
        None if least is None else _session_seconds(next(least.nodes()), reader, "the shortest session timer"),
    )
    _check_session_timer(timer, reader)
    return timer


_TIMER_OPTIONS = ("refresher", "least_interval")


def _session_seconds(node: Node, reader: ExpressionReader, what: str) -> Expr:
    return require(reader, reader.read(node), Unit.MILLISECOND, what)


def _check_session_timer(timer: SessionTimer, reader: ExpressionReader) -> None:
    """SF235: RFC 4028 section 5 has no session timer below 90 seconds, and none is below its own Min-SE."""
    report = reader.context.report
    times = [value for value in (timer.expires, timer.least) if value is not None]
    for value in times:
        milliseconds = constant_ms(value)
        if milliseconds is not None and milliseconds < MIN_SESSION_MS and reader.context.is_readable(value):
            message = "a session timer is 90 seconds at least"
            help_text = '`with { replace header "Session-Expires" = "60" }` breaks the rule in one message'
            report.error("SF235", message, value.span, "too short (RFC 4028)", help=help_text)
            return
    expires, least = constant_ms(times[0]), constant_ms(times[-1])
    if expires is not None and least is not None and expires < least:
        report.error("SF235", "the session timer is shorter than its `min`", times[0].span, "refused by its own `min`")


def _single(item: Node, rule: str, reader: ExpressionReader) -> Node | None:
    found = list(item.nodes(rule))
    for again in found[1:]:
        twice(reader.context, again.start, again)
    return found[0] if found else None


def _challenge(item: Node, reader: ExpressionReader) -> Challenge:
    realm, user, password, *_ = item.nodes()
    words = {rule: _single(item, rule, reader) for rule in ("algorithm", "qop")}
    chosen = {rule: read_word(node, reader.context) for rule, node in words.items() if node is not None}
    return Challenge(
        require(reader, reader.read(realm), "string", "the realm"),
        _user_name(user, reader),
        _password(password, reader),
        **{rule: word for rule, word in chosen.items() if word is not None},
    )


def _registrar(item: Node, reader: ExpressionReader) -> Registrar:
    realm, record_route, least = (_single(item, rule, reader) for rule in ("realm", "record_route", "least_expires"))
    return Registrar(
        realm=None if realm is None else require(reader, _expression(realm, reader), "string", "the realm"),
        users=tuple(_auth(user, reader) for user in item.nodes("user")),
        record_route=record_route is not None,
        minimum_expires=None if least is None else _every(least, reader),
        span=_head(item, reader),
    )


_REPEATABLE = frozenset(("header", "listen"))
_SETTINGS = {
    "number": Setting("number", _number),
    "uri": Setting("uri", _text("the address")),
    "listen": Setting("listens", _listen),
    "tls": Setting("tls", _tls),
    "proxy": Setting("proxy", _proxy),
    "register_every": Setting("register_every", _every),
    "auth": Setting("auth", _auth),
    "provisional": Setting("provisional", _word),
    "session_timer": Setting("session_timer", _session_timer),
    "hold_style": Setting("hold_style", _word),
    "challenge": Setting("challenge", _challenge),
    "registrar": Setting("registrar", _registrar),
    "codecs": Setting("codecs", _codecs),
    "ptime": Setting("ptime_ms", _ptime),
    "dtmf_mode": Setting("dtmf", _word),
    "srtp": Setting("srtp", _srtp),
    "header": Setting("headers", read_header),
    "media": Setting("media", _media),
}
