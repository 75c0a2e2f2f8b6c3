"""The plan of a run: the graph with every agent's settings resolved and every variable at the top bound."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sipflow.ir.expr import Expr, Quantity, Unit, Value
from sipflow.ir.graph import OPUS_STEREO, Agent, Graph
from sipflow.media_params import NOT_LISTENING, SRTP_KEY_BYTES, Listening, RtpFormat
from sipflow.plan.evaluate import NoValueError, evaluate, evaluate_text, format_value, names_in
from sipflow.plan.listening import listening_of
from sipflow.plan.listens import ListenPlan
from sipflow.plan.network import NetworkConditions
from sipflow.plan.secrets import secrets_in
from sipflow.plan.settings import (
    ChallengePlan,
    Credentials,
    RegistrarPlan,
    SessionTimerPlan,
    plan_auth,
    plan_challenge,
    plan_listens,
    plan_registrar,
    plan_session_timer,
    plan_tls,
    seconds,
)
from sipflow.plan.tls import TlsPlan
from sipflow.redaction import Redactor

Rows = Mapping[str, Mapping[str, str]]
"""A row of each table: its cells by the names of the columns."""

DEFAULT_FIRST_PORT = 20_000
DEFAULT_LAST_PORT = 29_999

_FORMATS = {
    "PCMU": (RtpFormat("PCMU", 0),),
    "PCMA": (RtpFormat("PCMA", 8),),
    "G722": (RtpFormat("G722", 9),),
    "opus": (RtpFormat("opus", 111, 48000, 2, "useinbandfec=1"),),
    OPUS_STEREO: (RtpFormat("opus", 111, 48000, 2, "stereo=1;sprop-stereo=1"),),
    "L16": (RtpFormat("L16", 98, 16000), RtpFormat("L16", 99)),
    "GSM": (RtpFormat("GSM", 3),),
    "G729": (RtpFormat("G729", 18, fmtp="annexb=no"),),
    "G729B": (RtpFormat("G729", 18, fmtp="annexb=yes"),),
    "G723": (RtpFormat("G723", 4),),
    "iLBC": (RtpFormat("iLBC", 97, fmtp="mode=30"),),
    "iLBC20": (RtpFormat("iLBC", 97, fmtp="mode=20"),),
    "AMR": (RtpFormat("AMR", 104, fmtp="octet-align=1"), RtpFormat("AMR", 105)),
    "AMR-WB": (RtpFormat("AMR-WB", 106, 16000, fmtp="octet-align=1"), RtpFormat("AMR-WB", 107, 16000)),
}
"""Payload types of RFC 3551 table 4, and dynamic ones: L16 has static types at 44.1 kHz only. Opus says 48000/2
whatever it sends (RFC 7587 section 7); in two channels it does without in-band FEC, which would cost most of what keeps
left and right apart. AMR comes aligned to octets and without filling (RFC 4867 section 4)."""

COMFORT_NOISE = RtpFormat("CN", 13)
"""RFC 3389, for codecs whose RTP clock is 8000 Hz; it stands among the codecs and is none."""

TELEPHONE_EVENT = RtpFormat("telephone-event", 101, fmtp="0-15")
"""RFC 4733 section 2.4.1; 101 is what nearly every device offers."""

_EVENTS = {
    TELEPHONE_EVENT.clock_rate: TELEPHONE_EVENT,
    16000: RtpFormat("telephone-event", 102, 16000, fmtp="0-15"),
    48000: RtpFormat("telephone-event", 110, 48000, fmtp="0-15"),
}
"""By RTP clock: digits have that of the codec beside them (RFC 4733 section 2.1)."""


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """One agent as the run will use it."""

    name: str
    user: str
    """User part of its address."""
    uri: str
    """Address of record, `sip:user@host` without a port when a proxy or the file gave one, empty when it follows from
    the socket."""
    remote: bool
    host: str
    port: int
    """0: any free port."""
    proxy: str
    formats: tuple[RtpFormat, ...]
    """Codecs in the order of preference, then telephone-event."""
    ptime_ms: int
    headers: tuple[tuple[str, str], ...]
    first_port: int
    last_port: int
    jitter_adaptive: bool
    jitter_min_ms: int | None
    jitter_max_ms: int | None
    spec: Agent
    proxy_agent: str = ""
    """Name of the agent of this run that is its proxy and registrar; `proxy` is empty then."""
    listens: tuple[ListenPlan, ...] = ()
    """Where it takes SIP; `host` and `port` are those of the first."""
    tls: TlsPlan | None = None
    register_s: float | None = None
    """It registers when the run begins, for so many seconds, and unregisters at its end; None: only when told to."""
    auth: Credentials | None = None
    provisional: str = "supported"
    """Provisional responses that are acknowledged (RFC 3262): off, supported, required."""
    session_timer: SessionTimerPlan | None = None
    """None: sessions have no timer."""
    srtp: str = "off"
    """off, optional, required, dtls."""
    srtp_suites: tuple[str, ...] = ()
    """Crypto suites in the order of preference; none with `srtp off`."""
    hold_style: str = "direction"
    """direction, address."""
    challenge: ChallengePlan | None = None
    registrar: RegistrarPlan | None = None
    listening: Listening = NOT_LISTENING


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run needs, as a value."""

    graph: Graph
    agents: dict[str, AgentPlan]
    variables: dict[str, Value]
    environment: Mapping[str, str] = field(repr=False)
    seed: int = 0
    time_limit_ms: int | None = None
    """Limit of the whole run, None for no limit of its own."""
    rows: Rows = field(default_factory=dict, repr=False)
    """The row that the run took of each table."""
    row_numbers: Mapping[str, int] = field(default_factory=dict)
    """Which rows these are, from 1."""
    redactor: Redactor = field(default_factory=Redactor, repr=False, compare=False)
    """Learns the secrets of the run."""
    overridden: frozenset[str] = frozenset()
    """Variables whose values come from outside of the file."""
    network: NetworkConditions | None = None
    """The network between the agents of a run in virtual time; None: real time, and the machine's network."""
    per_call: tuple[str, ...] = ()
    """Agents whose number, address or login comes from a table: with other rows they call as somebody else."""
    calls_measured: dict[str, frozenset[str | None]] = field(default_factory=dict, repr=False, compare=False)
    """By node, the calls whose measurements its expressions need: found when the node is first entered."""

    def scope(self, lane: str = "") -> PlanScope:
        """What an expression sees before a lane has anything of its own."""
        return PlanScope(self.variables, self.environment, self.rows, self.redactor, lambda: stream(self.seed, lane))


def stream(seed: int, lane: str = "") -> random.Random:
    """The random numbers of a lane, or of the file's top: the same ones for the same seed, fresh ones for 0."""
    return random.Random(f"{seed}/random/{lane}") if seed else random.SystemRandom()


class PlanScope:
    """The scope of the file's top: its variables, the rows of its tables, and the environment."""

    def __init__(
        self,
        variables: Mapping[str, Value],
        environment: Mapping[str, str],
        rows: Rows | None = None,
        redactor: Redactor | None = None,
        randomness: Callable[[], random.Random] = random.SystemRandom,
    ) -> None:
        """`randomness` is made when the first number is drawn: seeding costs more than a whole lane of a load run."""
        self.variables = variables
        self.env = environment
        self.rows = rows or {}
        self.redactor = redactor or Redactor()
        self._make_random = randomness
        self._random: random.Random | None = None

    def lookup(self, parts: tuple[str, ...]) -> Value:
        """A variable of the file's top, or a cell of a table's row."""
        match parts:
            case (name,) if name in self.variables:
                return self.variables[name]
            case (table, column) if column in self.rows.get(table, {}):
                return self.rows[table][column]
        raise NoValueError(f"`{'.'.join(parts)}` has no value here")

    def apply(self, function: tuple[str, ...], arguments: tuple[Value, ...]) -> Value:
        """No function of the language makes sense before a call exists."""
        raise NoValueError(f"`{'.'.join(function)}(…)` has no value before a call exists")

    def environment(self, name: str) -> str:
        """An environment variable."""
        try:
            return self.env[name]
        except KeyError:
            raise NoValueError(f"the environment variable {name} is not set") from None

    def draw(self, first: int, last: int) -> int:
        """A random whole number."""
        if self._random is None:
            self._random = self._make_random()
        return self._random.randint(first, last)

    def keep_secret(self, text: str) -> None:
        """To be taken out of all outputs."""
        self.redactor.add(text)


class _Foreseen(PlanScope):
    """What is certain before it is evaluated: chance is not."""

    def draw(self, first: int, last: int) -> int:
        """Whoever uses a number draws it."""
        raise NoValueError("a random number is known when it is drawn")


def make_plan(
    graph: Graph,
    *,
    overrides: Mapping[str, Value] | None = None,
    environment: Mapping[str, str] | None = None,
    seed: int = 0,
    time_limit_ms: int | None = None,
    rows: Rows | None = None,
    row_numbers: Mapping[str, int] | None = None,
    redactor: Redactor | None = None,
    network: NetworkConditions | None = None,
) -> Plan:
    """Bind `graph`, with one row of each of its tables; raises `NoValueError` when an agent's setting has no value.

    `redactor` knows every secret then that has a value already, also when this raises.
    """
    variables: dict[str, Value] = dict(overrides or {})
    scope = PlanScope(variables, environment or {}, rows, redactor, lambda: stream(seed))
    try:
        _bind_variables(graph, variables, scope)
    finally:
        _learn_secrets(graph, scope)
    agents = {agent.name: _plan_agent(agent, graph, scope) for agent in graph.agents}
    return Plan(
        graph, agents, variables, scope.env, seed, time_limit_ms, scope.rows, row_numbers or {}, scope.redactor,
        frozenset(overrides or ()), network,
        tuple(agent.name for agent in graph.agents if _calls_as_others(agent, graph)),
    )  # fmt: skip


def plan_with_rows(plan: Plan, rows: Rows, row_numbers: Mapping[str, int], seed: int) -> Plan:
    """The plan of one more call of the same run: other rows, and what follows from them. Agents stay as they are, but
    for who they call as (`per_call`).

    Raises `NoValueError` when a variable, or a setting of such an agent, has no value with these rows.
    """
    graph = plan.graph
    if not graph.variables and not plan.per_call:
        return replace(plan, seed=seed, rows=rows, row_numbers=row_numbers)
    own = {variable.name for variable in graph.variables}
    variables = {name: value for name, value in plan.variables.items() if name not in own or name in plan.overridden}
    scope = PlanScope(variables, plan.environment, rows, plan.redactor, lambda: stream(seed))
    _bind_variables(graph, variables, scope)
    agents = plan.agents
    if plan.per_call:
        agents = agents | {name: _as_called(agents[name], scope) for name in plan.per_call}
    return replace(plan, agents=agents, seed=seed, rows=rows, row_numbers=row_numbers, variables=variables)


def _as_called(agent: AgentPlan, scope: PlanScope) -> AgentPlan:
    """The same agent with what its number, address and login are in this scope."""
    user, uri, auth = _identity(agent.spec, scope)
    return replace(agent, user=user, uri=uri, auth=auth)


def _identity(agent: Agent, scope: PlanScope) -> tuple[str, str, Credentials | None]:
    uri = _text(agent.uri, scope)
    return _text(agent.number, scope) or _user_of(uri) or agent.name, uri, plan_auth(agent.auth, scope)


def _calls_as_others(agent: Agent, graph: Graph) -> bool:
    login = () if agent.auth is None else (agent.auth.user, agent.auth.password)
    return not agent.remote and any(
        _differs_by_row(written, graph) for written in (agent.number, agent.uri, *login) if written is not None
    )


def _differs_by_row(expression: Expr, graph: Graph) -> bool:
    """Whether it has a column of a table in it, or a variable that has: what is drawn by chance once stays."""
    tables, variables = {table.name for table in graph.tables}, {one.name: one.value for one in graph.variables}
    waiting, seen = list(names_in(expression)), set[str]()
    while waiting:
        first = waiting.pop().parts[0]
        if first in tables:
            return True
        if first in variables and first not in seen:
            seen.add(first)
            waiting += names_in(variables[first])
    return False


def _bind_variables(graph: Graph, bound: dict[str, Value], scope: PlanScope) -> None:
    overridden = frozenset(bound)
    for variable in graph.variables:
        if variable.name not in overridden:
            bound[variable.name] = evaluate(variable.value, scope)
        elif any(secrets_in(variable.value)):  # what stands in the place of a secret is one
            scope.keep_secret(format_value(bound[variable.name]))


def _learn_secrets(graph: Graph, scope: PlanScope) -> None:
    """Evaluate every `secret E` that has a value before the first lane begins."""
    foreseen = _Foreseen(scope.variables, scope.env, scope.rows, scope.redactor)
    for secret in secrets_in((graph.agents, graph.variables, graph.nodes)):
        with contextlib.suppress(NoValueError):  # known only in the lane
            evaluate(secret, foreseen)


def _plan_agent(agent: Agent, graph: Graph, scope: PlanScope) -> AgentPlan:
    user, uri, auth = _identity(agent, scope)
    proxy = None if agent.proxy_agent is None else graph.agent(agent.proxy_agent)
    return AgentPlan(
        name=agent.name,
        user=user,
        uri=uri,
        remote=agent.remote,
        host=agent.listen.host,
        port=agent.listen.port,
        proxy=_text(proxy.uri if proxy is not None and proxy.remote else agent.proxy, scope),
        formats=formats_for(agent.codecs, events=agent.dtmf != "inband"),
        ptime_ms=agent.ptime_ms,
        headers=tuple((name, evaluate_text(value, scope)) for name, value in agent.headers),
        first_port=agent.media.first_port or DEFAULT_FIRST_PORT,
        last_port=agent.media.last_port or DEFAULT_LAST_PORT,
        jitter_adaptive=agent.media.jitter_adaptive,
        jitter_min_ms=agent.media.jitter_min_ms,
        jitter_max_ms=agent.media.jitter_max_ms,
        spec=agent,
        proxy_agent="" if proxy is None or proxy.remote else proxy.name,
        listens=plan_listens(agent),
        tls=plan_tls(agent.tls, scope),
        register_s=None if agent.register_every is None else seconds(agent.register_every, scope),
        auth=auth,
        provisional=agent.provisional,
        session_timer=plan_session_timer(agent.session_timer, scope),
        srtp=agent.srtp,
        srtp_suites=() if agent.srtp == "off" else agent.srtp_suites or tuple(SRTP_KEY_BYTES),
        hold_style=agent.hold_style,
        challenge=plan_challenge(agent.challenge, scope),
        registrar=plan_registrar(agent.registrar, agent.name, scope),
        listening=listening_of(agent, graph),
    )


def formats_for(codecs: tuple[str, ...], *, events: bool = True) -> tuple[RtpFormat, ...]:
    """RTP formats of codecs by name, in their order; behind them comfort noise where it is among the names, and, where
    `events`, telephone-event at each RTP clock."""
    audio = tuple(each for name in codecs for each in _FORMATS.get(name, ()))
    noise = (COMFORT_NOISE,) if COMFORT_NOISE.name in codecs else ()
    clocks = dict.fromkeys((TELEPHONE_EVENT.clock_rate, *(each.clock_rate for each in audio)))
    return (*audio, *noise, *(map(_EVENTS.__getitem__, clocks) if events else ()))


def _text(expression: Expr | None, scope: PlanScope) -> str:
    return "" if expression is None else evaluate_text(expression, scope)


def _user_of(uri: str) -> str:
    rest = uri.partition(":")[2]
    return rest.partition("@")[0] if "@" in rest else ""


def parse_override(text: str) -> Value:
    """The value of `--var name=TEXT`: a number, a quantity with its unit, true or false, otherwise the text itself."""
    if text in ("true", "false"):
        return text == "true"
    for suffix, unit, factor in _SUFFIXES:
        number = _float(text.removesuffix(suffix)) if text.endswith(suffix) else None
        if number is not None:
            return Quantity(number * factor, unit)
    number = _float(text)
    return text if number is None or _is_digits_with_meaning(text) else number


_SUFFIXES = (
    ("ms", Unit.MILLISECOND, 1.0),
    ("s", Unit.MILLISECOND, 1000.0),
    ("m", Unit.MILLISECOND, 60_000.0),
    ("h", Unit.MILLISECOND, 3_600_000.0),
    ("%", Unit.PERCENT, 1.0),
    ("ppm", Unit.PARTS_PER_MILLION, 1.0),
    ("Hz", Unit.HERTZ, 1.0),
    ("dB", Unit.DECIBEL, 1.0),
)


def _is_digits_with_meaning(text: str) -> bool:
    """Phone numbers keep their leading zero or plus: `0049…` is text."""
    return text.startswith("+") or (len(text) > 1 and text.startswith("0") and "." not in text)


def _float(text: str) -> float | None:
    return float(text) if _DECIMAL.fullmatch(text) else None


_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
