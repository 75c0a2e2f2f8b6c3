"""Codecs that this machine has to have before a run begins."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.errors import MachineError
from sipflow.ir.graph import Graph
from sipflow.ir.ops import With
from sipflow.media.formats import codec_of
from sipflow.plan.plan import COMFORT_NOISE, AgentPlan, formats_for


def require_codecs(agent: AgentPlan, graph: Graph) -> None:
    """Raises `MachineError` when the library of a codec is missing that the agent names, or a statement of its lanes.

    Without it the offer would be refused, and that would look like the peer's fault.
    """
    for name in dict.fromkeys((*agent.spec.codecs, *_named(graph, agent.name))):
        try:
            for rtp_format in formats_for((name,), events=False):
                if rtp_format != COMFORT_NOISE:
                    codec_of(rtp_format)
        except MachineError as error:
            raise MachineError(f"`codecs {name}` of {agent.name}: {error}") from error


def _named(graph: Graph, agent: str) -> Iterator[str]:
    for node in graph.nodes:
        extra = getattr(node.op, "extra", None)
        if node.agent == agent and isinstance(extra, With):
            yield from extra.codecs
