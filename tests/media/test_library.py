"""Audio files by name, and what the command line says about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sipflow.cli.media import media
from sipflow.errors import MediaError
from sipflow.media import MediaInfo, MediaLibrary, MediaProblem, measure
from tests.media.signals import speech, write_wav


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders with a file each, and one that both have."""
    for name in ("first", "second"):
        (tmp_path / name / "menu").mkdir(parents=True)
        write_wav(tmp_path / name / "both.wav", speech(0.1))
    write_wav(tmp_path / "first" / "menu" / "deep.wav", speech(0.2))
    write_wav(tmp_path / "second" / "only.wav", speech(0.3), 16000)
    write_wav(tmp_path / "outside.wav", speech(0.1))
    return [tmp_path / "first", tmp_path / "second"]


def test_the_first_folder_that_has_a_file_wins(folders: list[Path]) -> None:
    library = MediaLibrary(folders)
    assert library.find("both.wav") == folders[0] / "both.wav"
    assert library.find("only.wav") == folders[1] / "only.wav"
    assert library.find("menu/deep.wav") == folders[0] / "menu" / "deep.wav"
    assert library.find("none.wav") is None
    with pytest.raises(MediaError, match=str(folders[1])):
        library.require("none.wav")


@pytest.mark.parametrize(
    "name", ["../outside.wav", "menu/../../outside.wav", "", "\0", "x" * 5000, "menu", "/gone.wav"]
)
def test_names_that_lead_out_of_the_folders_or_nowhere_find_nothing(folders: list[Path], name: str) -> None:
    assert MediaLibrary(folders).find(name) is None


def test_an_absolute_path_is_what_it_says(folders: list[Path]) -> None:
    outside = folders[0].parent / "outside.wav"
    assert MediaLibrary(folders).find(str(outside)) == outside


def test_a_probe_tells_what_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros((24000, 2)), 48000, subtype="PCM_24")
    assert MediaLibrary([]).probe(path) == MediaInfo(path, 500, 48000, 2, "PCM_24", "WAV", 24)


def test_problems_are_values(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    problem = MediaLibrary([tmp_path]).list()[0]
    assert isinstance(problem, MediaProblem)
    assert "not an audio file" in problem.message


def test_a_list_has_every_file_once_and_nothing_hidden(folders: list[Path]) -> None:
    (folders[0] / ".hidden").mkdir()
    write_wav(folders[0] / ".hidden" / "x.wav", speech(0.1))
    (folders[0] / "notes.txt").write_text("")
    found = MediaLibrary([*folders, folders[0].parent]).list()
    assert [item.path.name for item in found] == ["both.wav", "deep.wav", "both.wav", "only.wav", "outside.wav"]


def test_silence_and_clipping_are_measured(tmp_path: Path) -> None:
    quiet = write_wav(tmp_path / "quiet.wav", np.full(8000, 20, np.int16))
    assert measure(quiet).silent
    clipped = np.full(8000, 1000, np.int16)
    clipped[100:104], clipped[200:202], clipped[300:303], clipped[-3:] = 32767, 32767, -32768, 32767
    loud = measure(write_wav(tmp_path / "loud.wav", clipped))
    assert (loud.silent, loud.clipped_runs, loud.peak) == (False, 3, 1.0)


def test_check_says_what_a_caller_would_hear(tmp_path: Path) -> None:
    good = write_wav(tmp_path / "good.wav", speech(1.5))
    silent = write_wav(tmp_path / "silent.wav", np.zeros((4410, 2), np.int16), 44100)
    result = CliRunner().invoke(media, ["check", str(good)])
    assert (result.exit_code, result.output) == (0, f"{good}: WAV, PCM_16, 0:01.5, 8000 Hz, mono\n")
    result = CliRunner().invoke(media, ["check", str(good), str(silent)])
    assert result.exit_code == 1
    assert "2 channels, mixed to one, resampled to 8000 Hz" in result.output
    assert "warning: silent" in result.output
    result = CliRunner().invoke(media, ["check", str(silent), str(tmp_path / "gone.wav")])
    assert result.exit_code == 3
    assert "no such file" in result.output


def test_list_shows_the_names_that_a_scenario_would_use(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = CliRunner().invoke(media, ["list", "--media-dir", str(folders[0])], env={"HOME": "/nonexistent"})
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.output.splitlines()] == [
        ["name", "duration"],
        ["both.wav", "0:00.1"],
        ["menu/deep.wav", "0:00.2"],
    ]
