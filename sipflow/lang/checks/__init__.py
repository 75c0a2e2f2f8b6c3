"""Checks of a program as a whole: they see the graph, with all its branches, loops and definitions.

An error is what a run could never do, a warning what surely fails or waits in vain on every way. Where strangers take
part (agents with an address, targets that are variables, imports that were not read), nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sipflow.ir.graph import Graph
from sipflow.lang.checks.agents import check_agents, report_empty
from sipflow.lang.checks.calls import CallChecks
from sipflow.lang.checks.channels import check_channels
from sipflow.lang.checks.media import check_media
from sipflow.lang.checks.order import check_order
from sipflow.lang.checks.parties import Parties
from sipflow.lang.checks.passed import check_passed
from sipflow.lang.checks.phases import Calls, calls_of
from sipflow.lang.checks.program import Program
from sipflow.lang.checks.registration import check_registrars, check_registration
from sipflow.lang.checks.unused import check_unused
from sipflow.lang.checks.vain import check_waits
from sipflow.lang.checks.waits import Needs
from sipflow.lang.diagnostics import has_errors
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.lane_memory import ReadLane


def check_whole(graph: Graph, context: Context, lanes: Sequence[ReadLane]) -> None:
    """Report everything that is missing, leads nowhere or waits in vain. The text was read to its end."""
    if not any(lane.nodes or not lane.whole for lane in lanes):
        report_empty(graph, context)
        return
    check_agents(graph, context)
    check_registrars(graph, context)
    program = Program.of(graph, context, (lane.lane.id for lane in lanes if lane.whole))
    parties = Parties(program)
    check_order(program)
    if not context.all_doubtful:
        check_registration(program)
    before = _check_calls(program, [lane for lane in lanes if lane.whole])
    check_media(program, parties)
    check_passed(program)
    check_channels(program)
    if all(lane.whole for lane in lanes) and not context.all_doubtful:
        check_waits(Needs(program, parties, before))
        if not has_errors(context.report.diagnostics):  # a mistyped name makes another look unused
            check_unused(program)


def _check_calls(program: Program, lanes: Sequence[ReadLane]) -> dict[str, Mapping[str, Calls]]:
    """Check what lanes do to their calls; what is known of these, by lane and node.

    Both follow from the lane alone, so of a lane that is remembered nothing is found out again.
    """
    before: dict[str, Mapping[str, Calls]] = {}
    for lane in lanes:
        if lane.facts.calls is None:
            lane.facts.calls = calls_of(program, lane.lane)
        before[lane.lane.id] = lane.facts.calls
    for lane in lanes:
        if not lane.facts.calls_are_right:
            lane.facts.calls_are_right = CallChecks(program, lane.lane, before[lane.lane.id]).check()
    return before


__all__ = ["check_whole"]
