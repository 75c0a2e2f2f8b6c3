"""Frames that are lost on the way of a codec that only passes through, in the file that is recorded."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import sipflow

NO_DATA = b"\x7c"


@pytest.mark.parametrize("codec", ["amr", "amr_wb"])
def test_a_recording_of_amr_keeps_the_time_of_what_was_lost(tmp_path: Path, codec: str) -> None:
    magic, frame_type, size = {"amr": (b"#!AMR\n", 7, 31), "amr_wb": (b"#!AMR-WB\n", 8, 60)}[codec]
    suffix = {"amr": ".amr", "amr_wb": ".awb"}[codec]
    head = bytes([frame_type << 3 | 4])
    dice = random.Random(1)
    # Bits that fill up the last byte are zeros.
    sent = [head + number.to_bytes(2) + dice.randbytes(size - 3) + b"\0" for number in range(250)]
    (tmp_path / f"sent{suffix}").write_bytes(magic + b"".join(sent))
    scenario = tmp_path / "call.sflow"
    scenario.write_text(
        f"""\
agent alice {{ codecs {codec} }}
agent bob {{ codecs {codec} }}
on alice: call bob; record "heard{suffix}" received; expect hangup within 20s
on bob: answer; play "sent{suffix}" for 2s; wait 500ms; play "sent{suffix}" from 2s; release
"""
    )
    report = sipflow.run(scenario, out=tmp_path / "out", sim="loss 10% jitter 30ms", seed=2)
    assert report.passed, report.failures
    heard = (tmp_path / "out" / f"heard{suffix}").read_bytes().removeprefix(magic)
    found: list[bytes] = []
    while heard:
        length = len(head) + size if heard[:1] == head else 1
        found.append(heard[:length])
        heard = heard[length:]
    line = [*sent[:100], *[NO_DATA] * 25, *sent[100:]]
    first = line.index(found[0])
    assert all(frame in (there, NO_DATA) for frame, there in zip(found, line[first:], strict=False))
    lost = sum(frame == NO_DATA for frame in found) - 25
    assert len(found) > 265 and 10 < lost < 50
