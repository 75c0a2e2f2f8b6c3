"""Agents that nobody drives, and files without a statement (SF202, SF307)."""

from __future__ import annotations

from sipflow.ir.graph import Agent, Graph
from sipflow.lang.diagnostics import Edit, Fix
from sipflow.lang.lower.context import Context


def report_empty(graph: Graph, context: Context) -> None:
    """SF307: there is nothing to do."""
    where = graph.lanes[0].span if graph.lanes else context.report.source.span(0, 0)
    message = "this file has no lane with a statement, so it tests nothing"
    help_text = "`on alice: call bob` is a lane"
    context.report.error("SF307", message, where, "nothing would be done", help=help_text)


def check_agents(graph: Graph, context: Context) -> None:
    """SF202: an agent that is nowhere."""
    driven = {lane.agent for lane in graph.lanes}
    for agent in graph.agents:
        if agent.name not in driven and not _is_found(agent):
            _undriven(agent, context)


def _is_found(agent: Agent) -> bool:
    """Whether it is there without a lane."""
    return agent.remote or agent.registrar is not None or any(listen.port for listen in agent.listens)


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
