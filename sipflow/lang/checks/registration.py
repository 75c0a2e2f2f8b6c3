"""Registering with nobody, waiting for what never registers, and registrars (SF328-SF331)."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir import ops
from sipflow.ir.graph import Agent, Graph, Node
from sipflow.ir.ops import Op
from sipflow.ir.span import Span
from sipflow.lang.checks.phases import MAKERS
from sipflow.lang.checks.program import Program
from sipflow.lang.lower.context import Context

_REGISTERS = (ops.Register, ops.Unregister)
_NOT_FOR_REGISTRARS = (*MAKERS, *_REGISTERS, ops.SendRequest, ops.SendRaw)
"""What only a phone does."""


def check_registrars(graph: Graph, context: Context) -> None:
    """SF331, which needs no lane."""
    for agent in graph.agents:
        _check_open(agent, context)


def check_registration(program: Program) -> None:
    """Look at all statements that a run may come to."""
    registrars = {agent.name for agent in program.graph.agents if agent.registrar is not None}
    for agent in program.graph.agents:
        if agent.register_every is not None and not registrars and _is_homeless(agent):
            where = agent.register_every.span
            _nobody(program, agent, ops.Register.word, where=where)
    for node in program.live_nodes():
        if node.agent in registrars:
            _check_registrar(program, node)
        else:
            _check_node(program, node, bool(registrars))


def _check_node(program: Program, node: Node, has_registrar: bool) -> None:
    agent = program.agents[node.agent]
    if isinstance(node.op, _REGISTERS) and not has_registrar and _is_homeless(agent):
        _nobody(program, agent, node.op.word, node=node)
    elif any(isinstance(op, ops.ExpectRegistered | ops.ExpectUnregistered) for op in _events(node.op)):
        _check_wait(program, node, agent)


def _events(op: Op) -> Iterator[Op]:
    yield from (arm.event for arm in op.events) if isinstance(op, ops.Choose) else (op,)


def _is_homeless(agent: Agent) -> bool:
    """Whether nothing says where its registrar is."""
    return agent.proxy is None and agent.uri is None and agent.proxy_agent is None


def _nobody(program: Program, agent: Agent, word: str, *, node: Node | None = None, where: Span | None = None) -> None:
    """SF328."""
    message = f"`{agent.name}` has nobody to register with"
    help_text = 'say where: `proxy "sip:…"`, or `uri "sip:user@host"`; `agent pbx { registrar }` makes one for tests'
    span = node.span if node is not None else where
    assert span is not None, "one of them says where"
    secondary = () if node is None else program.through(node)
    label = f"`{word}` needs a registrar"
    program.context.report.error("SF328", message, span, label, secondary=secondary, help=help_text)


def _check_wait(program: Program, node: Node, agent: Agent) -> None:
    """SF329."""
    if agent.register_every is not None or node.id in program.provided:
        return
    if any(isinstance(other.op, _REGISTERS) for other in program.live_nodes() if other.agent == agent.name):
        return
    message = f"`{agent.name}` never registers"
    help_text = "`register` registers once, `register every 300s` among the agent's settings all the time"
    secondary = program.through(node)
    program.context.report.warning("SF329", message, node.span, "waits in vain", secondary=secondary, help=help_text)


def _check_registrar(program: Program, node: Node) -> None:
    """SF330."""
    if not isinstance(node.op, _NOT_FOR_REGISTRARS):
        return
    message = f"`{node.agent}` is a registrar: it makes and takes no calls"
    help_text = "another agent may call through it: `proxy` says so"
    label, secondary = "nothing here can do this", program.through(node)
    program.context.report.error("SF330", message, node.span, label, secondary=secondary, help=help_text)


def _check_open(agent: Agent, context: Context) -> None:
    """SF331: sipflow's registrar is for tests; it is no server for the world."""
    if agent.registrar is None or agent.registrar.users:
        return
    public = next((listen for listen in agent.listens if not _is_loopback(listen.host)), None)
    if public is not None:
        message = f"anybody may register and call through `{agent.name}`"
        help_text = '`user "u" password secret env.PASSWORD` in `registrar { … }` asks for a password'
        label = "an address that others can reach, and no `user`"
        context.report.warning("SF331", message, public.span, label, help=help_text)


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("::1", "localhost")
