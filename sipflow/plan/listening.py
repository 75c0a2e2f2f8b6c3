"""What the legs of an agent will be asked about what they hear: so much and no more do their ears have to do."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir import ops
from sipflow.ir.graph import Agent, Graph
from sipflow.media_params import Listening

HISTORY_MS = 60_000
"""How far back an `expect` hears what came before it."""
WHOLE_CALL_MS = 600_000
"""How much of a call a `check heard` looks at: the last ten minutes."""

_LEVELS = (ops.ExpectAudio, ops.ExpectSilence)
_PROMPTS = (ops.ExpectHeard, ops.CheckHeard)


def listening_of(agent: Agent, graph: Graph) -> Listening:
    """Everything that any lane of the agent waits for."""
    wanted = tuple(_ops_of(agent.name, graph))
    whole_call = any(isinstance(op, ops.CheckHeard) for op in wanted)
    return Listening(
        levels=any(isinstance(op, _LEVELS) for op in wanted),
        prompts=any(isinstance(op, _PROMPTS) for op in wanted),
        tones=any(isinstance(op, ops.ExpectTone) for op in wanted),
        digits=agent.dtmf == "inband" or any(isinstance(op, ops.ExpectDtmf) for op in wanted),
        always_digits=agent.dtmf == "inband",
        history_ms=WHOLE_CALL_MS if whole_call else HISTORY_MS,
    )


def _ops_of(agent: str, graph: Graph) -> Iterator[ops.Op]:
    for node in graph.nodes:
        if node.agent == agent:
            yield node.op
            if isinstance(node.op, ops.Choose):
                yield from (arm.event for arm in node.op.events)
