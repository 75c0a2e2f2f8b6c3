"""A program whose graph is a given graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from sipflow.ir.expr import Expr, constant_text, format_duration, quote
from sipflow.ir.graph import (
    DEFAULT_TIMEOUT_MS,
    Agent,
    Auth,
    Challenge,
    Graph,
    Lane,
    Listen,
    MediaSettings,
    Registrar,
    Scenario,
    SessionTimer,
    Table,
    Tls,
)
from sipflow.ir.load import Load
from sipflow.ir.program.lanes import LaneWriter
from sipflow.ir.program.layout import INDENT, WIDTH, Layout
from sipflow.ir.span import NOWHERE

SETTING_COLUMN = 10
"""Where the values of an agent's settings begin, from its settings."""
_BLOCK_COLUMNS = {"tls": 12, "registrar": 8, "media": 7}
"""Where the values of the settings begin in a block of an agent that is too long for one line."""
_SHORT_LANE = 72
Block = tuple[str, ...]
"""Settings in braces, in place of a value."""
_NUMBER = re.compile(r"[0-9]{1,18}")


def graph_to_text(graph: Graph) -> str:
    """A program that compiles to `graph`, up to ids and places: definitions come out expanded, comments are not known.

    Structure is found where there is some; the rest are labels and jumps. Raises `NoTextError` for a graph that no text
    means, such as one with a failure edge at an `if`, or with a way into a `repeat` from outside.
    """
    parts = [*_head(graph), *_agents(graph), *(_lane(graph, lane) for lane in graph.lanes)]
    if graph.load is not None:
        parts.append(list(_load(graph.load)))
    lines: list[str] = []
    for before, part in zip([[], *parts], parts, strict=False):
        stays = len(before) == len(part) == 1 and _kind(before[0]) == _kind(part[0])
        lines += part if stays or not lines else ["", *part]
    return "".join(f"{line}\n" for line in lines)


def _kind(line: str) -> str:
    """What belongs together when each is one line."""
    word = line.partition(" ")[0]
    return "scenario" if word == "timeout" else word


def _head(graph: Graph) -> Iterator[list[str]]:
    yield from ([line] for line in _scenario(graph.scenario))
    yield from ([_table(table)] for table in graph.tables)
    yield from ([f"let {let.name} = {let.value}"] for let in graph.variables)


def _scenario(scenario: Scenario) -> Iterator[str]:
    tags = f" tagged {', '.join(scenario.tags)}" if scenario.tags else ""
    if scenario.name or tags:
        yield f"scenario {quote(scenario.name)}{tags}"
    if scenario.timeout_ms != DEFAULT_TIMEOUT_MS:
        yield f"timeout {format_duration(scenario.timeout_ms)}"


def _table(table: Table) -> str:
    order = {"order": "", "random": " random", "once": " once"}[table.order]
    return f"data {table.name} from {quote(table.path)}{order}"


def _load(load: Load) -> Iterator[str]:
    yield "load {"
    if load.arrivals != "uniform":
        yield f"{INDENT}arrivals {load.arrivals}"
    for stage in load.stages:
        ramp = f"ramp {stage.first} to {stage.last} over {stage.duration}"
        yield INDENT + (f"hold {stage.first} for {stage.duration}" if stage.first == stage.last else ramp)
    if load.concurrency is not None:
        yield f"{INDENT}concurrency at most {load.concurrency}"
    yield from (f"{INDENT}require {condition}" for condition in load.requirements)
    yield "}"


# --- agents --------------------------------------------------------------------------------------------------------


def _agents(graph: Graph) -> Iterator[list[str]]:
    """Agents of one line each are aligned with their neighbours of the same form."""
    declared = [agent for agent in graph.agents if agent.declared]
    for form, group in groupby(declared, key=_form):
        agents = list(group)
        width = max(len(agent.name) for agent in agents)
        for agent in agents:
            yield [f"agent {agent.name.ljust(width)} {_short(agent)}"] if form else list(_long(agent))


def _form(agent: Agent) -> str:
    """`=` or `{` for an agent that stands on one line, empty for others."""
    text = f"agent {agent.name} {_short(agent)}"
    return text.split(" ")[2][0] if len(text) <= WIDTH and not _has_blocks(agent) else ""


def _has_blocks(agent: Agent) -> bool:
    return agent.media != MediaSettings() or agent.tls is not None or agent.registrar is not None


def _short(agent: Agent) -> str:
    settings = list(_settings(agent))
    if agent.remote and len(settings) == 1:
        return f"= {agent.uri}"
    return _braces(f"{word} {_one_line(value)}".rstrip() for word, value in settings)


def _long(agent: Agent) -> Iterator[str]:
    yield f"agent {agent.name} {{"
    for word, value in _settings(agent):
        head = f"{INDENT}{word.ljust(SETTING_COLUMN - 1)}"
        line = f"{head} {_one_line(value)}".rstrip()
        yield from [line] if isinstance(value, str) or len(line) <= WIDTH else _on_lines(head, word, value)
    yield "}"


def _on_lines(head: str, word: str, items: Block) -> Iterator[str]:
    yield f"{head} {{"
    for item in items:
        first, _, rest = item.partition(" ")
        yield f"{INDENT * 2}{first.ljust(_BLOCK_COLUMNS[word] - 1)} {rest}".rstrip()
    yield f"{INDENT}}}"


def _one_line(value: str | Block) -> str:
    return value if isinstance(value, str) else _braces(value)


def _braces(items: Iterable[str]) -> str:
    text = "; ".join(items)
    return f"{{ {text} }}" if text else "{}"


def _settings(agent: Agent) -> Iterator[tuple[str, str | Block]]:
    """What differs from the defaults, in the order of the language's page."""
    if agent.number is not None:
        yield "number", _digits(agent.number)
    if agent.uri is not None:
        yield "uri", str(agent.uri)
    yield from (("listen", text) for text in _listens(agent))
    if agent.tls is not None:
        yield "tls", tuple(_tls(agent.tls))
    if agent.proxy is not None or agent.proxy_agent is not None:
        yield "proxy", agent.proxy_agent or str(agent.proxy)
    if agent.register_every is not None:
        yield "register", f"every {agent.register_every}"
    if agent.auth is not None:
        yield "auth", _login(agent.auth)
    yield from _call_settings(agent)
    yield from _media_settings(agent)


def _call_settings(agent: Agent) -> Iterator[tuple[str, str | Block]]:
    plain = Agent(agent.name)
    if agent.provisional != plain.provisional:
        yield "provisional", f"reliable {agent.provisional}"
    if agent.session_timer is not None:
        yield "session", _session_timer(agent.session_timer)
    if agent.hold_style != plain.hold_style:
        yield "hold", f"by {agent.hold_style}"
    if agent.challenge is not None:
        yield "challenge", _challenge(agent.challenge)
    if agent.registrar is not None:
        yield (
            "registrar",
            tuple(_registrar(agent.registrar)) if replace(agent.registrar, span=NOWHERE) != Registrar() else "",
        )


def _media_settings(agent: Agent) -> Iterator[tuple[str, str | Block]]:
    plain = Agent(agent.name)
    if agent.codecs != plain.codecs:
        yield "codecs", ", ".join(codec.lower() for codec in agent.codecs)
    if agent.ptime_ms != plain.ptime_ms:
        yield "ptime", f"{agent.ptime_ms}ms"
    if agent.dtmf != plain.dtmf:
        yield "dtmf", agent.dtmf
    if (agent.srtp, agent.srtp_suites) != (plain.srtp, plain.srtp_suites):
        yield "srtp", " ".join(filter(None, (agent.srtp, ", ".join(agent.srtp_suites))))
    yield from (("header", f"{quote(name)} = {value}") for name, value in agent.headers)
    if agent.media != plain.media:
        yield "media", tuple(_media(agent.media))


def _digits(number: Expr) -> str:
    text = constant_text(number)
    return text if text is not None and _NUMBER.fullmatch(text) else str(number)


def _listens(agent: Agent) -> Iterator[str]:
    """A single free UDP port at the usual address needs no word."""
    places = [replace(listen, span=NOWHERE) for listen in agent.listens]
    return iter(()) if places == [Listen()] else (_listen(place) for place in places)


def _listen(listen: Listen) -> str:
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    if not listen.port and listen.host == Listen().host:
        return listen.transport
    return f"{listen.transport} {quote(f'{host}:{listen.port}' if listen.port else host)}"


def _login(auth: Auth) -> str:
    return f"{auth.user} password {auth.password}"


def _session_timer(timer: SessionTimer) -> str:
    refresher = "" if timer.refresher is None else f" refresher {timer.refresher}"
    return f"timer {timer.expires}{refresher}" + ("" if timer.least is None else f" min {timer.least}")


def _challenge(challenge: Challenge) -> str:
    plain = Challenge(challenge.realm, challenge.user, challenge.password)
    words = f"realm {challenge.realm} user {challenge.user} password {challenge.password}"
    algorithm = "" if challenge.algorithm == plain.algorithm else f" algorithm {challenge.algorithm}"
    return words + algorithm + ("" if challenge.qop == plain.qop else f" qop {challenge.qop}")


def _tls(tls: Tls) -> Iterator[str]:
    for word in ("ca", "certificate", "key", "name"):
        if (value := getattr(tls, word)) is not None:
            yield f"{word} {value}"
    if not tls.verify:
        yield "verify off"
    if tls.client_certificate_required:
        yield "client certificate required"


def _registrar(registrar: Registrar) -> Iterator[str]:
    if registrar.realm is not None:
        yield f"realm {registrar.realm}"
    yield from (f"user {_login(user)}" for user in registrar.users)
    if registrar.record_route:
        yield "record route"
    if registrar.minimum_expires is not None:
        yield f"minimum expires {registrar.minimum_expires}"


def _media(media: MediaSettings) -> Iterator[str]:
    if media.first_port is not None:
        yield f"ports {media.first_port}-{media.last_port}"
    if media.jitter_min_ms is not None:
        least, most = (format_duration(media.jitter_min_ms), format_duration(media.jitter_max_ms or 0))
        kind = "adaptive" if media.jitter_adaptive else "fixed"
        yield f"jitter {kind} {least}" + (f"..{most}" if most != least else "")
    if media.rtcp_mux:
        yield "rtcp mux"
    if media.latching:
        yield "latching"
    if media.rtcp_reduced:
        yield "rtcp reduced"
    if media.voip_metrics:
        yield "rtcp xr"


# --- lanes ---------------------------------------------------------------------------------------------------------


def _lane(graph: Graph, lane: Lane) -> list[str]:
    writer = LaneWriter(graph, lane)
    entries = writer.entries()
    layout = Layout(writer.label_of)
    if not entries:
        return [f"on {lane.agent} {{}}"]
    short = layout.one_line(entries)
    if short is not None and len(line := f"on {lane.agent}: {short}") <= _SHORT_LANE:
        return [line]
    return [f"on {lane.agent} {{", *layout.lines(entries, INDENT), "}"]
