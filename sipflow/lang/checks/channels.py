"""Left and right of a call that hears one channel (SF416)."""

from __future__ import annotations

from sipflow.ir.graph import OPUS_STEREO
from sipflow.lang.checks.passed import measured_names
from sipflow.lang.checks.program import Program
from sipflow.lang.diagnostics import Label

_OF_A_CHANNEL = frozenset({"level_left", "level_right"})


def check_channels(program: Program) -> None:
    """Report what is asked of left and right where nothing asks the peer for two channels."""
    for node in program.live_nodes():
        names = (name for name in measured_names(node.op) if name.parts[-2:-1] == ("media",))
        name = next((name for name in names if name.parts[-1] in _OF_A_CHANNEL), None)
        if name is not None and node.agent in program.agents and OPUS_STEREO not in program.codecs_named(node.agent):
            message = f"`{name}` is not known of a call that hears one channel"
            agent = program.agents[node.agent]
            label = f"no `opus stereo` among the codecs of `{node.agent}`"
            notes = ((Label(agent.span, "its codecs"),) if agent.declared else ()) + program.through(node)
            program.context.report.warning("SF416", message, node.span, label, secondary=notes)
