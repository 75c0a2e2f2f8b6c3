"""What is measured on a call: the names that stand behind `media.` and `sip.` in a condition, with their units."""

from __future__ import annotations

from sipflow.ir.expr import Unit

MEDIA: dict[str, Unit | str] = {
    "codec": "string",
    "ptime": Unit.MILLISECOND,
    "mos": "number",
    "loss": Unit.PERCENT,
    "jitter": Unit.MILLISECOND,
    "jitter_max": Unit.MILLISECOND,
    "concealed": Unit.MILLISECOND,
    "lateness": Unit.MILLISECOND,
    "delay": Unit.MILLISECOND,
    "level": Unit.DECIBEL,
    "round_trip": Unit.MILLISECOND,
    "packets_sent": "number",
    "packets_received": "number",
    "packets_lost": "number",
    "packets_late": "number",
    "reordered": "number",
    "duplicates": "number",
    "junk": "number",
    "digits": "string",
}
"""Measurements of the media of a call: name to unit, or to `number` or `string`."""

SIP: dict[str, Unit | str] = {
    "setup_time": Unit.MILLISECOND,
    "ring_time": Unit.MILLISECOND,
    "code": "number",
}
"""Measurements of the signalling of a call."""

GROUPS = {"media": MEDIA, "sip": SIP}

MESSAGE: dict[str, Unit | str] = {"body": "string", "method": "string", "code": "number"}
"""What a `where` condition sees of the message besides `header("NAME")`."""
