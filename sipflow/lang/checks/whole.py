"""Checks of a file as a whole: what is missing in it. They need a file that was read to its end."""

from __future__ import annotations

from sipflow.ir import ops
from sipflow.ir.graph import Agent, Graph
from sipflow.lang.diagnostics import Edit, Fix, closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.lanes import LaneReader


def check_whole(graph: Graph, context: Context, lanes: list[LaneReader]) -> None:
    """Report everything that is missing or leads nowhere."""
    if not any(lane.nodes or not lane.whole for lane in lanes):
        _does_nothing(graph, context)
        return
    _check_agents(graph, context)
    _check_codecs(graph, context)
    if all(lane.whole for lane in lanes):
        _check_signals(context)
        _check_callees(graph, context, lanes)


def _does_nothing(graph: Graph, context: Context) -> None:
    where = graph.lanes[0].span if graph.lanes else context.report.source.span(0, 0)
    message = "this file has no lane with a statement, so it tests nothing"
    help_text = "`on alice: call bob` is a lane"
    context.report.error("SF307", message, where, "nothing would be done", help=help_text)


# --- agents --------------------------------------------------------------------------------------------------------


def _check_agents(graph: Graph, context: Context) -> None:
    driven = {lane.agent for lane in graph.lanes}
    for agent in graph.agents:
        if agent.name not in driven and not agent.remote and agent.listen.port == 0:
            _undriven(agent, context)


def _undriven(agent: Agent, context: Context) -> None:
    text = context.report.source.text
    end = context.report.source.span(len(text), len(text))
    lane = f"on {agent.name}: answer"
    edit = Edit(end, f"{'' if text.endswith(chr(10)) or not text else chr(10)}{lane}\n")
    context.report.error(
        "SF202",
        f"nothing drives `{agent.name}`, and it has no address",
        agent.span,
        "no lane has this name, and there is no `uri`",
        help=f'add a lane, for instance `{lane}`, or say where it is: `uri "sip:…"`',
        fix=Fix(f"add `{lane}`", (edit,)),
    )


# --- signals -------------------------------------------------------------------------------------------------------


def _check_signals(context: Context) -> None:
    sent, awaited = context.signals_sent, context.signals_awaited
    for name, where in awaited.items():
        if name not in sent and not context.is_doubtful(name):
            near = closest(name, sent)
            help_text = f"did you mean `{near}`?" if near else f"some lane has to `signal {name}`"
            fix = replace(where, near) if near else None
            message = f"nobody sends the signal `{name}`"
            context.report.error("SF304", message, where, "this would wait in vain", help=help_text, fix=fix)
    for name, where in sent.items():
        if name not in awaited and not context.is_doubtful(name):
            context.report.warning("SF305", f"nobody awaits the signal `{name}`", where, "has no effect")


# --- calls between agents ------------------------------------------------------------------------------------------


def _check_callees(graph: Graph, context: Context, lanes: list[LaneReader]) -> None:
    if context.calls_unknown:
        return
    agents = {agent.name: agent for agent in graph.agents}
    for lane in lanes:
        agent = agents[lane.agent]
        reachable = agent.name in context.called or agent.listen.port != 0 or agent.remote
        if lane.waits_for_call is not None and not reachable:
            message = f"nobody calls `{agent.name}`"
            label = "waits for a call that never comes"
            help_text = f'`call {agent.name}` in another lane, or a fixed port: `listen udp "127.0.0.1:5060"`'
            context.report.warning("SF306", message, lane.waits_for_call, label, help=help_text)


def _check_codecs(graph: Graph, context: Context) -> None:
    agents = {agent.name: agent for agent in graph.agents}
    chosen = {node.agent for node in graph.nodes if isinstance(node.op, ops.Answer) and node.op.extra.codecs}
    for node in graph.nodes:
        if isinstance(node.op, ops.Call | ops.Dial) and node.op.target_agent in agents:
            callee = agents[node.op.target_agent]
            offered = node.op.extra.codecs or agents[node.agent].codecs
            if not callee.remote and callee.name not in chosen and not set(offered) & set(callee.codecs):
                names = f"{', '.join(offered)} and {', '.join(callee.codecs)}"
                message = f"`{node.agent}` and `{callee.name}` share no codec"
                context.report.warning("SF404", message, node.span, names)
