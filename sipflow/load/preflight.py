"""What a plan needs of the machine, computed before the first packet; what it lacks, with the change that helps.

Needs follow from the plan alone: how many calls are open at the same time, how many legs each has, what a leg costs.
Where the plan does not say how long calls last, it is estimated from what the lanes wait and play, and said so.
"""

from __future__ import annotations

import contextlib
import math
import resource
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from sipflow.ir import ops
from sipflow.ir.expr import Name, constant_ms, constant_text
from sipflow.ir.graph import Graph, Lane
from sipflow.ir.span import Span
from sipflow.load.machine import sample
from sipflow.load.plan import LoadPlan
from sipflow.media import MediaInfo, MediaLibrary
from sipflow.plan.plan import AgentPlan, Plan
from sipflow.tables import Rows

DESCRIPTORS_PER_LEG = 3
"""RTP, the same port connected to its peer, and RTCP."""
DESCRIPTORS_OF_A_WORKER = 96
"""Python, the event loop, the media engine's threads, SIP sockets."""
BYTES_PER_LEG = 110_000
"""Measured: a leg with its jitter buffer, its kernel sockets and its calls' SIP state."""
BYTES_OF_A_WORKER = 90_000_000
PACKETS_PER_CORE = 150_000
"""Packets a second, sent and received, that one core carries at the most."""
_HEADERS_BYTES = 54
"""Ethernet with its checksum 18, IPv4 20 less its options, UDP 8, RTP 12, less what is not sent on the wire."""
_SHORTEST_CALL_S = 0.5


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is."""

    cores: int
    descriptors: int
    """That one process may have, at the most that it can ask for."""
    available_bytes: int | None
    speed_of: Callable[[str], float | None]
    """Bits a second of the interface with this address; None when nobody knows, and for loopback."""
    has_address: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Need:
    """What the plan needs."""

    calls: int
    """At the same time."""
    estimated: bool
    """Whether that follows from an estimate of how long a call lasts."""
    legs: dict[str, int]
    """At the same time, of every agent."""
    packets_per_s: float
    """Sent and received by this machine."""
    rows: tuple[tuple[str, int, int], ...] = ()
    """Of every table whose rows are used once: its name, how many it has, and how many calls the plan makes."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """What does not fit, as a diagnostic says it."""

    code: str
    error: bool
    """Whether the plan cannot be kept; else it may be."""
    message: str
    span: Span
    label: str
    help: str


DurationOf = Callable[[str], float | None]
"""Milliseconds of an audio file; None when it is not known."""


def durations(folders: tuple[Path, ...]) -> DurationOf:
    """Of the files in these folders."""
    library = MediaLibrary(folders)

    def duration_of(path: str) -> float | None:
        file = library.find(path)
        info = None if file is None else library.probe(file)
        return info.duration_ms if isinstance(info, MediaInfo) else None

    return duration_of


def this_machine(cores: int) -> Machine:
    """The one that this runs on."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = 1 << 30 if hard == resource.RLIM_INFINITY else hard
    return Machine(cores, limit, sample().available_bytes, _speed_of, _has_address)


def raise_descriptor_limit() -> None:
    """Ask for as many descriptors as the system grants: the soft limit of a shell is for shells."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# --- what is needed ------------------------------------------------------------------------------------------------


def need_of(
    plan: Plan,
    load: LoadPlan,
    duration_of: DurationOf = lambda path: None,
    tables: Iterable[tuple[str, str, Rows]] = (),
) -> Need:
    """What the plan needs at its highest rate; `tables` are those of `Prepare`."""
    graph = plan.graph
    by_rate = math.ceil(load.curve.peak * call_seconds(graph, duration_of)) + 1
    calls = min(filter(None, (by_rate, load.calls, load.concurrency)))
    estimated = load.concurrency is None or calls < load.concurrency
    legs = {agent: number * calls for agent, number in _legs_of_a_call(graph).items()}
    packets = sum(2000 / plan.agents[agent].ptime_ms * number for agent, number in legs.items())
    planned = load.expected_calls if load.curve.mass < math.inf else 0
    rows = tuple((name, len(table.rows), planned) for name, order, table in tables if order == "once")
    return Need(calls, estimated, legs, packets, rows)


def call_seconds(graph: Graph, duration_of: DurationOf) -> float:
    """About how long a call lasts: the longest of its lanes, by what it waits and plays."""
    times = (_lane_ms(graph, lane, duration_of) for lane in graph.lanes)
    return max(max(times, default=0.0) / 1000, _SHORTEST_CALL_S)


def _lane_ms(graph: Graph, lane: Lane, duration_of: DurationOf) -> float:
    return sum(_op_ms(node.op, duration_of) for node in graph.nodes if node.lane == lane.id)


def _op_ms(op: ops.Op, duration_of: DurationOf) -> float:
    if isinstance(op, ops.Wait):
        return constant_ms(op.duration) or 0.0
    if isinstance(op, ops.Play) and not op.background:
        path = constant_text(op.path)
        length = constant_ms(op.duration) or (None if path is None else duration_of(path)) or 0.0
        return length * (op.times or 1)
    return 0.0


def _legs_of_a_call(graph: Graph) -> dict[str, int]:
    """Legs of every agent: a lane that calls or is called has one, and one more for each further call."""
    found: dict[str, int] = {}
    for lane in graph.lanes:
        placed = sum(isinstance(n.op, ops.Call | ops.Dial) for n in graph.nodes if n.lane == lane.id)
        found[lane.agent] = found.get(lane.agent, 0) + max(placed, 1)
    return found


def part_of(need: Need, engines: int, of: int) -> Need:
    """What so many engines of a run have to carry."""

    def share(number: int) -> int:
        return -(-number * engines // of)

    legs = {agent: share(number) for agent, number in need.legs.items()}
    return replace(need, calls=share(need.calls), legs=legs, packets_per_s=need.packets_per_s * engines / of)


# --- what lacks ----------------------------------------------------------------------------------------------------


def check(plan: Plan, load: LoadPlan, workers: int, machine: Machine, need: Need) -> tuple[Shortage, ...]:
    """Everything that the machine lacks for the plan, errors first."""
    where = plan.graph.load.span if plan.graph.load is not None else _first_line(plan.graph)
    found = [
        *_fixed_ports(plan, workers),
        *_settings_from_tables(plan),
        *_addresses(plan, machine),
        *_ports(plan, need, where),
        *_descriptors(need, workers, machine, where),
        *_memory(need, workers, machine, where),
        *_packets(need, machine, where),
        *_bandwidth(plan, need, machine),
        *_rows(plan, need),
    ]
    return tuple(sorted(found, key=lambda shortage: not shortage.error))


def _first_line(graph: Graph) -> Span:
    return graph.lanes[0].span if graph.lanes else graph.scenario.span


def _driven(plan: Plan) -> Iterator[AgentPlan]:
    return (agent for agent in plan.agents.values() if not agent.remote)


def _at_once(need: Need) -> str:
    return f"{need.calls} calls at the same time{' (estimated)' if need.estimated else ''}"


def _fixed_ports(plan: Plan, workers: int) -> Iterator[Shortage]:
    for agent in _driven(plan) if workers > 1 else ():
        if agent.port or any(listen.port for listen in agent.listens):
            message = f"`{agent.name}` listens at a port that only one of {workers} workers can have"
            help_text = "`--workers 1`, or let every worker take a free port: leave the port out"
            yield Shortage("SF601", True, message, agent.spec.listen.span, "one process has a port", help_text)


def _settings_from_tables(plan: Plan) -> Iterator[Shortage]:
    tables = {table.name for table in plan.graph.tables}
    for agent in _driven(plan):
        fixed = replace(agent.spec, number=None, uri=None, auth=None) if _calls_only(plan.graph, agent) else agent.spec
        named = next((name for name in _names(fixed) if len(name.parts) == 2 and name.parts[0] in tables), None)
        if named is not None:
            message = f"`{agent.name}` would be the same for every call: this setting is read once"
            label = f"`{named}` is another one in every call"
            rest = "else `call … with { header … }`"
            help_text = f"who calls and does not register may have `number`, `uri`, `auth` of a row; {rest}"
            yield Shortage("SF602", True, message, named.span, label, help_text)


def _calls_only(graph: Graph, agent: AgentPlan) -> bool:
    """Whether it is somebody only in the calls that it places: each may be in another's name. It registers once."""
    lane_ops = [node.op for node in graph.nodes if node.agent == agent.name]
    calls = any(isinstance(op, ops.Call | ops.Dial) for op in lane_ops)
    return calls and agent.register_s is None and not any(isinstance(op, ops.Register) for op in lane_ops)


def _names(value: Any) -> Iterator[Name]:
    if isinstance(value, Name):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _names(item)
    elif is_dataclass(value) and not isinstance(value, Span):
        for field in fields(value):
            yield from _names(getattr(value, field.name))


def _addresses(plan: Plan, machine: Machine) -> Iterator[Shortage]:
    for agent in _driven(plan):
        if not machine.has_address(agent.host):
            message = f"this machine has no address {agent.host} for the calls of `{agent.name}`"
            help_text = f"add it (`ip address add {agent.host} dev …`), or name one that it has"
            yield Shortage("SF603", True, message, agent.spec.listen.span, "calls are sent from here", help_text)


def _ports(plan: Plan, need: Need, where: Span) -> Iterator[Shortage]:
    """Agents on one address take their ports from where their ranges overlap; the widest range is what all have."""
    by_address: dict[str, list[AgentPlan]] = {}
    for agent in _driven(plan):
        if need.legs.get(agent.name):
            by_address.setdefault(agent.host, []).append(agent)
    for host, agents in by_address.items():
        ports = {port for agent in agents for port in _first_ports(agent)}
        legs = sum(need.legs[agent.name] for agent in agents)
        if legs > len(ports):
            names = ", ".join(f"`{agent.name}`" for agent in agents)
            message = f"{legs} legs need {legs} pairs of ports on {host}, and {names} may use {len(ports)}"
            wider = f"`media {{ ports 10000-{10_001 + 2 * legs} }}` for each of them, " if legs <= _MOST_PAIRS else ""
            help_text = f"{wider}more addresses, or `concurrency at most {max(need.calls * len(ports) // legs, 1)}`"
            yield Shortage("SF604", True, message, where, _at_once(need), help_text)


def _first_ports(agent: AgentPlan) -> range:
    """The even ones of all pairs in its range."""
    return range(agent.first_port + agent.first_port % 2, agent.last_port, 2)


_MOST_PAIRS = (65_535 - 10_001) // 2
"""Above the ports that services have."""


def _descriptors(need: Need, workers: int, machine: Machine, where: Span) -> Iterator[Shortage]:
    legs = math.ceil(sum(need.legs.values()) / workers)
    wanted = legs * DESCRIPTORS_PER_LEG + DESCRIPTORS_OF_A_WORKER
    if wanted > machine.descriptors:
        message = f"a worker needs {wanted} file descriptors, and the system grants {machine.descriptors}"
        help_text = f"`ulimit -Hn {wanted}` as root before it, or more workers, or fewer calls at the same time"
        yield Shortage("SF605", True, message, where, f"{_at_once(need)}, {legs} legs a worker", help_text)


def _memory(need: Need, workers: int, machine: Machine, where: Span) -> Iterator[Shortage]:
    wanted = sum(need.legs.values()) * BYTES_PER_LEG + workers * BYTES_OF_A_WORKER
    available = machine.available_bytes
    if available is not None and wanted > available:
        message = f"about {wanted >> 20} MiB of memory are needed, and {available >> 20} MiB are free"
        help_text = "fewer calls at the same time (`concurrency at most …`), or more memory"
        yield Shortage("SF606", True, message, where, _at_once(need), help_text)


def _packets(need: Need, machine: Machine, where: Span) -> Iterator[Shortage]:
    most = machine.cores * PACKETS_PER_CORE
    if need.packets_per_s > most:
        message = f"{need.packets_per_s:,.0f} packets a second are more than {machine.cores} cores carry"
        help_text = f"one core carries about {PACKETS_PER_CORE:,}: more cores, a longer `ptime`, or fewer calls"
        yield Shortage("SF607", False, message, where, _at_once(need), help_text)


def _bandwidth(plan: Plan, need: Need, machine: Machine) -> Iterator[Shortage]:
    for agent in _driven(plan):
        speed = machine.speed_of(agent.host)
        bits = need.legs.get(agent.name, 0) * _bits_of_a_leg(agent)
        if speed is not None and bits > 0.9 * speed:
            message = f"`{agent.name}` would send {bits / 1e6:.0f} Mbit/s, and its interface has {speed / 1e6:.0f}"
            help_text = "fewer calls at the same time, a codec with a lower rate, or a faster interface"
            yield Shortage("SF608", False, message, agent.spec.listen.span, _at_once(need), help_text)


def _rows(plan: Plan, need: Need) -> Iterator[Shortage]:
    spans = {table.name: table.span for table in plan.graph.tables}
    for name, rows, calls in need.rows:
        if rows < calls:
            message = f"{calls} calls are planned, and the table `{name}` has {rows} rows, each to be used once"
            help_text = f"`--calls {rows}`, more rows, or leave `once` out: then they go round"
            yield Shortage("SF609", False, message, spans[name], f"{calls - rows} calls will not begin", help_text)


def _bits_of_a_leg(agent: AgentPlan) -> float:
    """On the wire, one way, with 64 kbit/s of audio: no codec of a phone takes more."""
    return 8 * (8 * agent.ptime_ms + _HEADERS_BYTES) * 1000 / agent.ptime_ms


# --- the machine ---------------------------------------------------------------------------------------------------


def _has_address(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _speed_of(host: str) -> float | None:
    """Of the interface that has the address: sysfs gives Mbit/s, loopback none."""
    if host.startswith("127.") or host in ("0.0.0.0", "::", "::1"):
        return None
    for name in _interfaces_with(host):
        with contextlib.suppress(OSError, ValueError):
            speed = int(Path(f"/sys/class/net/{name}/speed").read_text())
            return speed * 1e6 if speed > 0 else None
    return None


def _interfaces_with(host: str) -> Iterator[str]:
    with contextlib.suppress(OSError, ImportError):
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for _, name in socket.if_nameindex():
                with contextlib.suppress(OSError):
                    answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, name.encode()[:15].ljust(256, b"\0"))
                    if socket.inet_ntoa(answer[20:24]) == host:
                        yield name


_SIOCGIFADDR = 0x8915
"""Address of an interface: netdevice(7)."""
