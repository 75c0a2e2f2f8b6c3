"""PESQ where it is installed, and what is said where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.heard import MEDIA
from sipflow.errors import MachineError, MediaError
from sipflow.media.pesq import Recorded, pesq_of
from tests.media.signals import round_trip, write_wav


def recording(folder: Path, *, prompt: str = "menu.wav") -> Path:
    """A stereo recording on whose right channel the prompt is, as G.711 leaves it."""
    said = round_trip(soundfile.read(MEDIA / prompt, dtype="int16")[0], "PCMU")
    right = np.concatenate([np.zeros(4000, np.int16), said, np.zeros(4000, np.int16)])
    return write_wav(folder / "call.wav", np.column_stack([np.zeros_like(right), right]))


def test_without_the_package_the_user_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pesq", None)
    with pytest.raises(MachineError, match="pip install pesq"):
        pesq_of(MEDIA / "menu.wav", Recorded(recording(tmp_path), "stereo"))


def test_what_g711_leaves_of_a_prompt_is_good(tmp_path: Path) -> None:
    pytest.importorskip("pesq", reason="needs `pip install pesq`")
    assert pesq_of(MEDIA / "menu.wav", Recorded(recording(tmp_path), "stereo")) > 3.8
    with pytest.raises(MediaError, match="received"):
        pesq_of(MEDIA / "menu.wav", Recorded(recording(tmp_path), "sent"))
