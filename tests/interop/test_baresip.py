"""baresip, a soft phone that we did not write: it answers and it calls, and what both sides heard is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import sipflow
from tests.interop.peers import PATIENT, baresip, needs
from tests.interop.proof import Proved
from tests.media.signals import Samples, best_lag, round_trip, speech, write_wav
from tests.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("baresip", "baresip-core")]

SECONDS = 4
LONGER = 6
"""baresip hangs up at the end of its file; it has to outlast what we play."""


def read(path: Path) -> Samples:
    """Samples of a WAV at 8000 Hz."""
    samples: Samples
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    return samples


def likeness(wanted: Samples, heard: Samples) -> float:
    """Correlation (0 to 1) of half a second of what was to be heard with the best place in what was.

    The best of those from 1 s to 3 s, as far as there is so much: a packet that a busy machine delivered late spoils
    the half second that it was in.
    """
    last = min(24_000, len(wanted) - 4000 + 1)
    return max(_likeness_of(wanted[at : at + 4000], heard) for at in range(8000, last, 4000))


def _likeness_of(piece: Samples, heard: Samples) -> float:
    at = best_lag(piece, heard, around=0, reach=max(len(heard) - len(piece), 1))
    return float(np.corrcoef(piece, heard[at : at + len(piece)])[0, 1])


def test_baresip_answers_and_both_hear_what_the_other_said(tmp_path: Path, proved: Proved) -> None:
    ours, theirs = speech(SECONDS, seed=1), speech(LONGER, seed=2)
    write_wav(tmp_path / "ours.wav", ours)
    write_wav(tmp_path / "theirs.wav", theirs)
    with baresip(tmp_path, tmp_path / "theirs.wav") as peer:
        text = f"""
        agent peer = "sip:peer@127.0.0.1:{peer.port}"
        agent alice {{ {PATIENT} }}
        on alice {{ call peer; record "heard.wav" received; play "ours.wav"; release; check media.loss < 1% }}
        """
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
        assert report.passed, report.failures
    assert likeness(round_trip(ours, "PCMU"), read(peer.heard())) > 0.99
    assert likeness(round_trip(theirs, "PCMU"), read(tmp_path / "heard.wav")) > 0.99
    proved("baresip", "answers our call; what each side heard is what the other said")


def test_baresip_calls_a_lane_that_answers(tmp_path: Path, proved: Proved) -> None:
    ours, theirs = speech(SECONDS, seed=3), speech(LONGER, seed=4)
    write_wav(tmp_path / "ours.wav", ours)
    write_wav(tmp_path / "theirs.wav", theirs)
    port = free_port()
    text = f"""
    agent bob {{ listen udp "127.0.0.1:{port}"; {PATIENT} }}
    on bob {{ answer within 20s; record "heard.wav" received; play "ours.wav"; release; check media.loss < 1% }}
    """
    with baresip(tmp_path, tmp_path / "theirs.wav", execute=f"/dial sip:bob@127.0.0.1:{port}") as peer:
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
        assert report.passed, report.failures
    assert likeness(round_trip(ours, "PCMU"), read(peer.heard())) > 0.99
    assert likeness(round_trip(theirs, "PCMU"), read(tmp_path / "heard.wav")) > 0.99
    proved("baresip", "calls a lane that answers; what each side heard is what the other said")
