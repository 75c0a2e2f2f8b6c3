"""The head of a WAV file, as libsndfile reads it, too."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sipflow.media.library import MediaInfo, MediaLibrary
from sipflow.media.wav_header import WavHeader, read_wav_header

SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")
CONTAINERS = ("WAV", "WAVEX", "RF64")


def header_of(data: bytes) -> WavHeader | None:
    return read_wav_header(io.BytesIO(data))


def as_libsndfile_says(data: bytes) -> WavHeader | None:
    """Its answer in our words, None when it refuses the file."""
    try:
        audio = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        return None
    bits = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64, "ALAW": 8, "ULAW": 8}
    return WavHeader(
        audio.samplerate, audio.channels, audio.frames, audio.subtype, bits.get(audio.subtype, 0), audio.format
    )


def written(container: str, subtype: str, channels: int = 1, frames: int = 1001, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, numpy.zeros((frames, channels)), rate, subtype, format=container)
    return file.getvalue()


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content + b"\0" * (len(content) % 2)


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def format_chunk(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, more: bytes = b"") -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + more)


AUDIO = bytes(2000)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 44100)])
def test_what_libsndfile_wrote_is_read_as_libsndfile_reads_it(
    container: str, subtype: str, channels: int, rate: int
) -> None:
    try:
        data = written(container, subtype, channels, rate=rate)
    except soundfile.LibsndfileError:
        pytest.skip("libsndfile does not write this")
    assert header_of(data) == as_libsndfile_says(data) is not None


def test_chunks_before_the_audio_are_passed_over_also_those_of_odd_length() -> None:
    data = wav(chunk(b"LIST", b"abc"), format_chunk(), chunk(b"fact", bytes(4)), chunk(b"data", AUDIO))
    assert header_of(data) == WavHeader(8000, 1, 1000, "PCM_16", 16, "WAV") == as_libsndfile_says(data)


@pytest.mark.parametrize("promised", [len(AUDIO) + 2, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_file_that_was_cut_off_or_streamed_is_as_long_as_what_is_there(promised: int) -> None:
    data = wav(format_chunk(), chunk(b"data", AUDIO, promised), size=0xFFFFFFFF)
    found = header_of(data)
    assert found is not None and found.frames == 1000
    assert found.missing_frames == (1 if promised < 0x7FFFFFFF else 0)
    assert replace(found, missing_frames=0) == as_libsndfile_says(data)


def test_a_file_of_which_all_was_cut_off_is_no_file_to_play(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav(format_chunk(), chunk(b"data", AUDIO))[:44])
    said = str(MediaLibrary([]).probe(tmp_path / "x.wav"))
    assert "is cut off: its head announces 0.125 s of audio, and none is there" in said


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"this is a text, and a long one at that",
        wav(),
        wav(chunk(b"data", AUDIO)),
        wav(format_chunk()),
        wav(format_chunk(), chunk(b"data", b"")),
        wav(format_chunk(tag=85), chunk(b"data", AUDIO)),
        wav(format_chunk(channels=0), chunk(b"data", AUDIO)),
        wav(format_chunk(rate=0), chunk(b"data", AUDIO)),
        wav(format_chunk(bits=12), chunk(b"data", AUDIO)),
        wav(format_chunk(tag=0xFFFE), chunk(b"data", AUDIO)),
        b"RIFX" + wav(format_chunk(), chunk(b"data", AUDIO))[4:],
    ],
)
def test_what_is_not_plain_is_left_to_libsndfile(data: bytes) -> None:
    assert header_of(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_give_a_header_or_none(garbage: bytes) -> None:
    header_of(garbage)
    header_of(b"RIFF\0\0\0\0WAVE" + garbage)
    header_of(b"RF64\xff\xff\xff\xffWAVE" + garbage)


@given(st.data())
def test_a_file_with_wrong_bytes_is_read_as_libsndfile_reads_it_or_left_to_it(data: st.DataObject) -> None:
    good = wav(chunk(b"LIST", b"abc"), format_chunk(more=b"\0\0"), chunk(b"data", AUDIO), chunk(b"id3 ", b"x"))
    at = data.draw(st.integers(12, 74))
    bad = good[:at] + data.draw(st.binary(min_size=1, max_size=2)) + good[at + 1 :]
    theirs = as_libsndfile_says(bad)
    ours = header_of(bad)
    if theirs is not None and ours is not None:
        assert (ours.sample_rate, ours.channels, ours.subtype) == (theirs.sample_rate, theirs.channels, theirs.subtype)


def test_a_file_of_another_kind_and_one_that_is_damaged_are_probed_by_libsndfile(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(written("FLAC", "PCM_16"))
    (tmp_path / "empty.wav").write_bytes(wav(format_chunk(), chunk(b"data", b"")))
    library = MediaLibrary([tmp_path])
    flac = library.probe(tmp_path / "a.flac")
    assert isinstance(flac, MediaInfo) and flac.format == "FLAC"
    assert "no audio" in str(library.probe(tmp_path / "empty.wav"))


def test_a_check_of_a_scenario_with_wav_files_loads_no_library_of_audio() -> None:
    program = (
        "import sys\nfrom sipflow.api import check\n"
        "assert check(open('scenarios/ivr.sflow').read(), source='scenarios/ivr.sflow') == []\n"
        "print({'numpy', 'soundfile', 'soxr', '_cffi_backend', 'rich', 'asyncio'} & {*sys.modules} - {'asyncio'})"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
