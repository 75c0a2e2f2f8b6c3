"""Codecs that only pass through: files that are not theirs, and what would have to listen (SF413-SF415)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Name, constant_text, parts_of
from sipflow.ir.graph import Node
from sipflow.lang.checks.program import Program
from sipflow.lang.files import MediaInfo
from sipflow.lang.lower.codecs import encoding_name
from sipflow.media_params import ANY_CODEC, FRAME_FILES, PASSED_THROUGH

_UNKNOWN = frozenset({"level", "level_left", "level_right", "peak", "clipping", "silence", "silence_share"})
"""Measurements of how a call sounds."""

_LISTENS = (ops.ExpectHeard, ops.ExpectTone, ops.ExpectAudio, ops.ExpectSilence, ops.CheckHeard)


def check_passed(program: Program) -> None:
    """Report what no call of an agent can do with the codecs that it may come to have."""
    used = {agent.name: _codecs_of(program, agent.name) for agent in program.graph.agents}
    for node in program.live_nodes():
        codecs = used.get(node.agent, ())
        if isinstance(node.op, ops.Play):
            _check_play(program, node, node.op, codecs)
        if isinstance(node.op, ops.Record):
            _check_record(program, node, node.op, codecs)
        if codecs and PASSED_THROUGH.issuperset(codecs):
            _check_unheard(program, node, codecs)


def _codecs_of(program: Program, agent: str) -> tuple[str, ...]:
    """Encoding names of what any of its offers and answers names."""
    return tuple(dict.fromkeys(encoding_name(name) for name in program.codecs_named(agent) if name != "CN"))


def _check_play(program: Program, node: Node, op: ops.Play, codecs: tuple[str, ...]) -> None:
    """SF413."""
    path = constant_text(op.path)
    files = program.context.files
    known = files is not None and path is not None and op.path is not None and program.context.is_readable(op.path)
    info = files.probe(path) if files is not None and path is not None and known else None
    encoded = info.encoded if isinstance(info, MediaInfo) else ""
    has = f"`{node.agent}` has {', '.join(codecs)}"
    if encoded == ANY_CODEC:
        return
    if encoded and encoded not in codecs:
        _cannot_play(program, node, f"`{path}` holds frames of {encoded}", has)
    elif (
        codecs
        and PASSED_THROUGH.issuperset(codecs)
        and not encoded
        and (op.path is None or isinstance(info, MediaInfo))
    ):
        _cannot_play(program, node, f"{_what(op, path)} would have to be encoded", f"{has}: only passed through")


def _what(op: ops.Play, path: str | None) -> str:
    return f"`{path}`" if op.path is not None else "a tone" if op.tone is not None else "a digit in the audio"


def _cannot_play(program: Program, node: Node, message: str, label: str) -> None:
    notes = program.through(node)
    help_text = "frames of a codec are in files such as `x.gsm` and `x.g729`; see docs/media.md"
    program.context.report.error("SF413", message, node.span, label, secondary=notes, help=help_text)


def _check_record(program: Program, node: Node, op: ops.Record, codecs: tuple[str, ...]) -> None:
    """SF415."""
    path = constant_text(op.path)
    if (path is None and op.path is not None) or not codecs:
        return
    wanted = FRAME_FILES.get(PurePath(path or "").suffix.lower())
    if wanted is None and PASSED_THROUGH.issuperset(codecs):
        suffix = next(suffix for suffix, codec in FRAME_FILES.items() if codec == codecs[0])
        message, help_text = "there are no samples to record", f'`record "x{suffix}"` takes the frames as they come'
    elif wanted is not None and wanted not in codecs:
        message, help_text = f"`{path}` takes frames of {wanted}", ""
    elif wanted is not None and op.channels == "mono":
        message, help_text = (
            "frames of both sides cannot be mixed",
            "without `mono` it is what comes; `sent` is the other side",
        )
    else:
        return
    label = f"`{node.agent}` has {', '.join(codecs)}"
    program.context.report.error("SF415", message, node.span, label, secondary=program.through(node), help=help_text)


def _check_unheard(program: Program, node: Node, codecs: tuple[str, ...]) -> None:
    """SF414."""
    op, names = node.op, ", ".join(codecs)
    if isinstance(op, ops.SendDtmf) and (op.via or program.agents[node.agent].dtmf) == "inband":
        _cannot_play(program, node, "digits in the audio would have to be encoded", f"{names}: only passed through")
        return
    events = tuple(arm.event for arm in op.events) if isinstance(op, ops.Choose) else ()
    unknown = next(
        (name for name in measured_names(op) if name.parts[-2:-1] == ("media",) and name.parts[-1] in _UNKNOWN), None
    )
    if isinstance(op, _LISTENS) or any(isinstance(event, _LISTENS) for event in events):
        _unheard(program, node, "nothing of this call is heard", names)
    elif unknown is not None:
        _unheard(program, node, f"`{unknown}` is not known of this call", names)


def _unheard(program: Program, node: Node, message: str, names: str) -> None:
    passes, them = ("pass", "them") if "," in names else ("passes", "it")
    label = f"{names} only {passes} through: nobody here decodes {them}"
    program.context.report.warning("SF414", message, node.span, label, secondary=program.through(node))


def measured_names(op: ops.Op) -> Iterator[Name]:
    """Of the condition that a statement judges."""
    condition = getattr(op, "condition", None)
    queue: list[Expr] = [] if condition is None else [condition]
    while queue:
        found = queue.pop()
        if isinstance(found, Name):
            yield found
        queue += parts_of(found)
