"""What was counted on a leg, under the names that a check uses."""

from __future__ import annotations

from typing import Any

from sipflow.media import LegStatistics


def media_measurements(counted: LegStatistics) -> dict[str, Any]:
    """Names after `media.`; times in milliseconds, shares in per cent. What was not measured is absent."""
    named = {
        "codec": counted.codec,
        "ptime": counted.ptime_ms,
        "loss": None if counted.loss is None else counted.loss * 100,
        "jitter": counted.jitter_mean_ms,
        "jitter_max": counted.jitter_max_ms,
        "concealed": counted.concealed_ms,
        "lateness": counted.lateness_max_ms,
        "delay": counted.playout_delay_mean_ms,
        "level": counted.audio_level_dbov,
        "round_trip": counted.round_trip_ms,
        "packets_sent": counted.packets_sent,
        "packets_received": counted.packets_received,
        "packets_lost": counted.packets_lost,
        "packets_late": counted.packets_late,
        "reordered": counted.packets_reordered,
        "duplicates": counted.packets_duplicate,
        "junk": counted.junk_packets,
        "digits": counted.digits_received,
    }
    return {name: value for name, value in named.items() if value is not None}
