"""The graph: what a scenario means, whatever it was written in.

A lane is a chain of nodes. `success` and `failure` of a node are ids of nodes of the same lane or None. None after
success is the lane's end; None after failure ends the lane at once, failed. A walker that took a failure edge carries
that failure until a `Recover` node drops it; failures nest, and a `Recover` drops the newest. A lane that ends while it
carries one has failed. So an `else` is nothing but a chain behind a failure edge, and loops and joins (scenarios drawn
by hand) need no other rule.

A node whose op is `Branching` (`if`, `repeat`, `while`, `choose`) succeeds into one of its `arms` instead; the ways
that a program goes on without deciding anything (`label`, `goto`, `break`, `continue`, the call of a definition) are
edges and no nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sipflow.ir.expr import Expr
from sipflow.ir.load import Load
from sipflow.ir.ops import HeaderField, Let, Op
from sipflow.ir.span import NOWHERE, Span
from sipflow.values import dataclass, field

GRAPH_VERSION = 2

DEFAULT_TIMEOUT_MS = 10_000
DEFAULT_CODECS = ("PCMU", "PCMA")
OPUS_STEREO = "opus stereo"
"""In lists of codecs: Opus that is wanted in two channels."""


def plain_codec(name: str) -> str:
    """The codec's canonical name, however many channels are wanted of it."""
    return name.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where an agent takes SIP: `listen udp "127.0.0.1:5062"`."""

    transport: str = "udp"
    host: str = "127.0.0.1"
    port: int = 0
    """0: a free port."""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Auth:
    """`auth USER password EXPR`."""

    user: Expr
    password: Expr


@dataclass(frozen=True, slots=True)
class Tls:
    """`tls { ca "f"; certificate "f"; key "f"; name "host"; verify off; client certificate required }`."""

    ca: Expr | None = None
    """File with the certificates that are trusted; those of the system when None."""
    certificate: Expr | None = None
    key: Expr | None = None
    name: Expr | None = None
    """Name that the peer's certificate must have, and that is asked for (SNI); the target's host when None."""
    verify: bool = True
    client_certificate_required: bool = False
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """`session timer 1800s [refresher local|remote] [min 90s]` (RFC 4028)."""

    expires: Expr
    refresher: str | None = None
    """`local`, `remote`; None leaves it to the peer."""
    least: Expr | None = None
    """Min-SE."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """`challenge realm R user U password P [algorithm A] [qop Q]`: every request that comes is challenged (401)."""

    realm: Expr
    user: Expr
    password: Expr
    algorithm: str = "md5"
    """md5, sha256, sha512_256."""
    qop: str = "auth"
    """auth, auth_int, none."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """`registrar { realm R; user U password P; record route; minimum expires D }`: it keeps addresses, and forwards."""

    realm: Expr | None = None
    users: tuple[Auth, ...] = ()
    """Who may register and call; empty: everybody."""
    record_route: bool = False
    minimum_expires: Expr | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """`media { ports 20000-29999; jitter adaptive 20ms..200ms; rtcp mux }`."""

    first_port: int | None = None
    last_port: int | None = None
    jitter_adaptive: bool = True
    jitter_min_ms: int | None = None
    jitter_max_ms: int | None = None
    rtcp_mux: bool = False
    """Whether its offers ask for RTP and RTCP on one port."""
    latching: bool = False
    """Whether media goes to where it comes from, whatever the peer says."""
    rtcp_reduced: bool = False
    """Whether they ask for RTCP of reduced size."""
    voip_metrics: bool = False
    """Whether they ask for reports with VoIP metrics."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A party: driven by lanes (`remote` is false) or only named (`agent pbx = "sip:…"`)."""

    name: str
    span: Span = NOWHERE
    declared: bool = True
    """False for an agent that exists only because a lane has its name."""
    remote: bool = False
    number: Expr | None = None
    """User part of its address; its name when None."""
    uri: Expr | None = None
    listens: tuple[Listen, ...] = (Listen(),)
    """Where it takes SIP; never empty."""
    tls: Tls | None = None
    proxy: Expr | None = None
    proxy_agent: str | None = None
    """Name of the agent that is its proxy and registrar; `proxy` is None then."""
    register_every: Expr | None = None
    auth: Auth | None = None
    provisional: str = "supported"
    """Provisional responses that are acknowledged (RFC 3262): off, supported, required."""
    session_timer: SessionTimer | None = None
    """None: sessions have no timer."""
    hold_style: str = "direction"
    """How it puts calls on hold: by `direction` (a=sendonly), or by `address` (c=IN IP4 0.0.0.0, RFC 2543)."""
    challenge: Challenge | None = None
    registrar: Registrar | None = None
    codecs: tuple[str, ...] = DEFAULT_CODECS
    """Canonical names in the order of preference; `opus stereo` where two channels are wanted."""
    ptime_ms: int = 20
    dtmf: str = "rfc4733"
    srtp: str = "off"
    """off, optional, required, dtls."""
    srtp_suites: tuple[str, ...] = ()
    """Crypto suites in the order of preference; empty for all that there are, in the usual order."""
    headers: tuple[HeaderField, ...] = ()
    media: MediaSettings = MediaSettings()

    @property
    def listen(self) -> Listen:
        """The first place where it takes SIP."""
        return self.listens[0]


@dataclass(frozen=True, slots=True)
class Node:
    """One statement of one lane."""

    id: str
    """Unique in the graph and as stable under edits elsewhere as can be: `alice.1`, `alice.1.else.2`, `alice.3.then.1`,
    `alice.3.body.1`, `alice.3.arm2.1` (arms count from 1), `alice.4.menu.1` (from the definition `menu`)."""
    lane: str
    agent: str
    op: Op
    call: str | None = None
    """Name of the call it acts on (`on NAME`), None for the lane's current call."""
    within: Expr | None = None
    """Its own time limit; None takes the scenario's where `op.waits`."""
    success: str | None = None
    failure: str | None = None
    span: Span = NOWHERE
    text: str = ""
    """The statement in the formatter's form, without its `else`, its blocks and its arms."""
    arms: tuple[str | None, ...] = ()
    """Of a `Branching` op: the first node of each arm in the order of `op.arm_names()`, None for the lane's end.
    `success` is None then."""
    label: str = ""
    """Name of the place (`label NAME`) that the program gives to this node, empty for none."""
    via: tuple[Span, ...] = ()
    """Calls of definitions through which the statement came here, the outermost first."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A sequence of statements that one agent runs, beside all other lanes."""

    id: str
    """`alice`, and `alice#2` for the second lane of the same agent."""
    agent: str
    entry: str | None
    """Id of its first node, None when it is empty."""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Scenario:
    """The header: `scenario "NAME" tagged a, b`, and `timeout D`."""

    name: str = ""
    tags: tuple[str, ...] = ()
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Table:
    """`data NAME from "FILE" in order|random|once`: rows of a CSV file; a run takes one row."""

    name: str
    path: str
    order: str = "order"
    """`order`: one after the other, from the start again when all were taken; `random`; `once`: no row twice."""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole program."""

    scenario: Scenario
    agents: tuple[Agent, ...]
    """Declared ones first, in source order; every agent of a lane and every agent named as a target is here."""
    lanes: tuple[Lane, ...]
    nodes: tuple[Node, ...]
    variables: tuple[Let, ...] = ()
    """`let` at the top of the file, in order; `--var` overrides them."""
    source: str = ""
    version: int = GRAPH_VERSION
    tables: tuple[Table, ...] = ()
    load: Load | None = None
    """What `sipflow load` does with it; a run of one call looks at none of this."""
    index: dict[str, Node] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.index.update((node.id, node) for node in self.nodes)

    def node(self, node_id: str) -> Node:
        """The node with this id; KeyError when there is none."""
        return self.index[node_id]

    def agent(self, name: str) -> Agent:
        """The agent with this name; KeyError when there is none."""
        return next(agent for agent in self.agents if agent.name == name)

    def edges(self) -> Iterator[Edge]:
        """All edges, node by node: success, arms, failure."""
        for node in self.nodes:
            if node.success is not None:
                yield Edge(node.id, node.success, "success")
            for arm, target in enumerate(node.arms):
                if target is not None:
                    yield Edge(node.id, target, "success", arm)
            if node.failure is not None:
                yield Edge(node.id, node.failure, "failure")


class Edge(NamedTuple):
    """A way from one node to another."""

    source: str
    target: str
    handle: str
    """`success` or `failure`."""
    arm: int | None = None
    """Which arm of a branching node, from 0; None for all others."""
