"""What was counted on a leg, under the names that a check uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipflow.media import LegStatistics

NAMES: dict[str, Callable[[LegStatistics], Any]] = {
    "codec": lambda counted: counted.codec,
    "ptime": lambda counted: counted.ptime_ms,
    "loss": lambda counted: None if counted.loss is None else counted.loss * 100,
    "jitter": lambda counted: counted.jitter_mean_ms,
    "jitter_max": lambda counted: counted.jitter_max_ms,
    "concealed": lambda counted: counted.concealed_ms,
    "lateness": lambda counted: counted.lateness_max_ms,
    "delay": lambda counted: counted.playout_delay_mean_ms,
    "level": lambda counted: counted.audio_level_dbov,
    "round_trip": lambda counted: counted.round_trip_ms,
    "packets_sent": lambda counted: counted.packets_sent,
    "packets_received": lambda counted: counted.packets_received,
    "packets_lost": lambda counted: counted.packets_lost,
    "packets_late": lambda counted: counted.packets_late,
    "reordered": lambda counted: counted.packets_reordered,
    "duplicates": lambda counted: counted.packets_duplicate,
    "junk": lambda counted: counted.junk_packets,
    "digits": lambda counted: counted.digits_received,
}
"""Names after `media.`; times in milliseconds, shares in per cent. Their units stand in `sipflow.ir.measurements`."""


def media_measurements(counted: LegStatistics) -> dict[str, Any]:
    """All that was measured, by name; what was not is absent."""
    named = {name: read(counted) for name, read in NAMES.items()}
    return {name: value for name, value in named.items() if value is not None}
