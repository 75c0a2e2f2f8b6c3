"""What is measured on a call: the names that stand behind `media.` and `sip.` in a condition, with their units."""

from __future__ import annotations

from sipflow.ir.expr import Unit

MEDIA: dict[str, Unit | str] = {
    "codec": "string",
    "codec_received": "string",
    "ptime": Unit.MILLISECOND,
    "mos": "number",
    "mos_listening": "number",
    "r_factor": "number",
    "mouth_to_ear": Unit.MILLISECOND,
    "loss": Unit.PERCENT,
    "loss_burst": "number",
    "bursts": "number",
    "burst_length": Unit.MILLISECOND,
    "burst_density": Unit.PERCENT,
    "gap_length": Unit.MILLISECOND,
    "gap_density": Unit.PERCENT,
    "burst_ratio": "number",
    "gap": Unit.MILLISECOND,
    "jitter": Unit.MILLISECOND,
    "jitter_max": Unit.MILLISECOND,
    "concealed": Unit.MILLISECOND,
    "lateness": Unit.MILLISECOND,
    "delay": Unit.MILLISECOND,
    "skew": Unit.PARTS_PER_MILLION,
    "one_way": "truth value",
    "level": Unit.DECIBEL,
    "level_left": Unit.DECIBEL,
    "level_right": Unit.DECIBEL,
    "peak": Unit.PERCENT,
    "clipping": Unit.PERCENT,
    "silence": Unit.MILLISECOND,
    "silence_share": Unit.PERCENT,
    "remote_loss": Unit.PERCENT,
    "remote_jitter": Unit.MILLISECOND,
    "remote_discarded": Unit.PERCENT,
    "remote_burst_density": Unit.PERCENT,
    "remote_burst_length": Unit.MILLISECOND,
    "remote_gap_length": Unit.MILLISECOND,
    "remote_delay": Unit.MILLISECOND,
    "remote_buffer": Unit.MILLISECOND,
    "remote_mos": "number",
    "remote_r_factor": "number",
    "round_trip": Unit.MILLISECOND,
    "packets_sent": "number",
    "packets_received": "number",
    "packets_lost": "number",
    "packets_late": "number",
    "reordered": "number",
    "duplicates": "number",
    "noise_received": "number",
    "noise_sent": "number",
    "junk": "number",
    "digits": "string",
    "srtp": "string",
    "srtp_failures": "number",
    "srtcp_failures": "number",
    "srtp_replays": "number",
    "srtp_rekeys": "number",
}
"""Measurements of the media of a call: name to unit, or to `number`, `string` or `truth value`."""

SIP: dict[str, Unit | str] = {
    "setup_time": Unit.MILLISECOND,
    "ring_time": Unit.MILLISECOND,
    "duration": Unit.MILLISECOND,
    "code": "number",
}
"""Measurements of the signalling of a call."""

GROUPS = {"media": MEDIA, "sip": SIP}

MESSAGE: dict[str, Unit | str] = {"body": "string", "method": "string", "code": "number"}
"""What a `where` condition sees of the message besides `header("NAME")`."""
