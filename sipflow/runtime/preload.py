"""Prompts read, resampled and encoded before the first call, so that none is late for the first packet of its play."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from sipflow.errors import SipflowError
from sipflow.ir.expr import Unit
from sipflow.ir.ops import Play
from sipflow.media import MediaInfo, MediaLibrary, PromptStore
from sipflow.media_params import RtpFormat
from sipflow.plan.evaluate import NoValueError, evaluate_ms, evaluate_quantity, evaluate_text
from sipflow.plan.plan import TELEPHONE_EVENT, Plan

_HEAD_MS = 4_000
"""Of a long file only this is encoded, for each codec of an agent; the rest is while it plays."""
_MOST_ENCODED_MS = 60_000
"""Longer files of encoded frames or packets, which are read whole, wait until their codec is known."""


async def preload(plan: Plan, prompts: PromptStore, library: MediaLibrary) -> None:
    """Fill `prompts` with whatever the plan names outright. What is missing here is told when it is played."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, _load_all, list(_wanted(plan)), prompts, library)


_Wanted = tuple[str, RtpFormat, int, int, float]


def _wanted(plan: Plan) -> Iterator[_Wanted]:
    scope = plan.scope()
    for node in plan.graph.nodes:
        if isinstance(node.op, Play) and node.op.path is not None:
            try:
                path = evaluate_text(node.op.path, scope)
                start_ms = 0.0 if node.op.start is None else evaluate_ms(node.op.start, scope)
                gain = 0.0 if node.op.gain is None else evaluate_quantity(node.op.gain, scope, Unit.DECIBEL, "a gain")
            except NoValueError:
                continue  # known only in the call
            agent = plan.agents[node.agent]
            for rtp_format in agent.formats:
                if rtp_format != TELEPHONE_EVENT:
                    yield path, rtp_format, agent.ptime_ms, round(start_ms), gain


def _load_all(wanted: list[_Wanted], prompts: PromptStore, library: MediaLibrary) -> None:
    for name, rtp_format, ptime_ms, start_ms, gain_db in wanted:
        path = library.find(name)
        if path is not None and _is_quick(path, library):
            try:
                prompts.load(path, rtp_format, ptime_ms=ptime_ms, start_ms=start_ms, gain_db=gain_db, for_ms=_HEAD_MS)
            except SipflowError:
                continue  # told when it is played; telephone-event and its like play no files


def _is_quick(path: Path, library: MediaLibrary) -> bool:
    info = library.probe(path)
    return isinstance(info, MediaInfo) and (not info.encoded or info.duration_ms <= _MOST_ENCODED_MS)
