"""What was counted on a leg, under the names that a check uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipflow.media import LegStatistics


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


NAMES: dict[str, Callable[[LegStatistics], Any]] = {
    "codec": lambda counted: counted.codec,
    "codec_received": lambda counted: counted.codec_received,
    "ptime": lambda counted: counted.ptime_ms,
    "mos": lambda counted: counted.mos,
    "mos_listening": lambda counted: counted.mos_listening,
    "r_factor": lambda counted: counted.r_factor,
    "mouth_to_ear": lambda counted: counted.mouth_to_ear_ms,
    "loss": lambda counted: _percent(counted.loss),
    "loss_burst": lambda counted: counted.max_loss_burst,
    "bursts": lambda counted: counted.bursts,
    "burst_length": lambda counted: counted.burst_ms,
    "burst_density": lambda counted: _percent(counted.burst_density),
    "gap_length": lambda counted: counted.gap_ms,
    "gap_density": lambda counted: _percent(counted.gap_density),
    "burst_ratio": lambda counted: counted.burst_ratio,
    "gap": lambda counted: counted.max_gap_ms,
    "jitter": lambda counted: counted.jitter_mean_ms,
    "jitter_max": lambda counted: counted.jitter_max_ms,
    "concealed": lambda counted: counted.concealed_ms,
    "lateness": lambda counted: counted.lateness_max_ms,
    "delay": lambda counted: counted.playout_delay_mean_ms,
    "skew": lambda counted: counted.skew_ppm,
    "one_way": lambda counted: counted.one_way,
    "level": lambda counted: counted.audio_level_dbov,
    "level_left": lambda counted: counted.audio_level_left_dbov,
    "level_right": lambda counted: counted.audio_level_right_dbov,
    "peak": lambda counted: _percent(counted.audio_peak),
    "clipping": lambda counted: _percent(counted.clipping),
    "silence": lambda counted: counted.silence_ms,
    "silence_share": lambda counted: _percent(counted.silence_share),
    "remote_loss": lambda counted: _percent(counted.remote_loss),
    "remote_jitter": lambda counted: counted.remote_jitter_ms,
    "remote_discarded": lambda counted: _percent(counted.remote_discarded),
    "remote_burst_density": lambda counted: _percent(counted.remote_burst_density),
    "remote_burst_length": lambda counted: counted.remote_burst_ms,
    "remote_gap_length": lambda counted: counted.remote_gap_ms,
    "remote_delay": lambda counted: counted.remote_delay_ms,
    "remote_buffer": lambda counted: counted.remote_buffer_ms,
    "remote_mos": lambda counted: counted.remote_mos,
    "remote_r_factor": lambda counted: counted.remote_r_factor,
    "round_trip": lambda counted: counted.round_trip_ms,
    "packets_sent": lambda counted: counted.packets_sent,
    "packets_received": lambda counted: counted.packets_received,
    "packets_lost": lambda counted: counted.packets_lost,
    "packets_late": lambda counted: counted.packets_late,
    "reordered": lambda counted: counted.packets_reordered,
    "duplicates": lambda counted: counted.packets_duplicate,
    "noise_received": lambda counted: counted.noise_received,
    "noise_sent": lambda counted: counted.noise_sent,
    "junk": lambda counted: counted.junk_packets,
    "digits": lambda counted: counted.digits_received,
    "srtp": lambda counted: counted.srtp,
    "srtp_failures": lambda counted: counted.srtp_failures,
    "srtcp_failures": lambda counted: counted.srtcp_failures,
    "srtp_replays": lambda counted: counted.srtp_replays,
    "srtp_rekeys": lambda counted: counted.srtp_rekeys,
}
"""Names after `media.`; times in milliseconds, shares in per cent, skew in millionths.

Their units stand in `sipflow.ir.measurements`."""


def media_measurements(counted: LegStatistics) -> dict[str, Any]:
    """All that was measured, by name; what was not is absent."""
    named = {name: read(counted) for name, read in NAMES.items()}
    return {name: value for name, value in named.items() if value is not None}
