"""The native side below the legs: error codes, WAV files, prompts, tapes."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sipflow.errors import MachineError, MediaError, MisuseError, ProtocolError, SipflowError
from sipflow.native import check, error_text, exception_of, ffi, lib


@pytest.mark.parametrize("code", [*range(-200, 0), *range(-1200, -1000), -1000, -(2**31)])
def test_every_code_has_an_exception_and_a_text(code: int) -> None:
    error = exception_of(code, "try")
    assert isinstance(error, SipflowError)
    assert str(error).startswith("try: ")
    assert len(error_text(code)) > 5


def test_codes_become_the_exception_of_their_kind() -> None:
    assert check(5) == 5
    kinds = {
        lib.SFM_ERROR_ARGUMENT: MisuseError,
        lib.SFM_ERROR_TRUNCATED: ProtocolError,
        lib.SFM_ERROR_NO_PORTS: MachineError,
        lib.SFM_ERROR_SYSTEM - errno.ENOSPC: MediaError,
    }
    for code, kind in kinds.items():
        with pytest.raises(kind):
            check(code)
    assert error_text(lib.SFM_ERROR_SYSTEM - errno.ENOSPC) == os.strerror(errno.ENOSPC)
    assert "unknown native error -63" in error_text(-63)


def open_wav(path: Path, channels: int = 1) -> Any:
    """A file that is being written."""
    wav = ffi.new("sfm_wav *")
    check(lib.sfm_wav_create(wav, bytes(path), 8000, channels))
    return wav


def append(wav: Any, samples: np.ndarray) -> int:
    """Appends frames."""
    frames = np.ascontiguousarray(samples, np.int16)
    result: int = lib.sfm_wav_append(wav, ffi.from_buffer("int16_t[]", frames), len(frames))
    return result


def test_a_wav_file_is_whole_after_every_step(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    wav = open_wav(path, 2)
    written = np.arange(2000, dtype=np.int16).reshape(-1, 2)
    for end in range(0, 1001, 250):
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        assert rate == 8000
        assert np.array_equal(samples.reshape(-1, 2), written[:end])
        if end < 1000:
            assert append(wav, written[end : end + 250]) == 0
    assert lib.sfm_wav_close(wav) == 0
    assert path.stat().st_size == 44 + 4000


def test_a_wav_file_ends_before_its_sizes_overflow(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    wav = open_wav(path, 2)
    assert wav.data_bytes_limit == 2**32 - 1 - 36 - 3
    wav.data_bytes = wav.data_bytes_limit - 8  # a sparse file: as if all of that had been written
    assert append(wav, np.ones((3, 2))) == -errno.EFBIG
    assert append(wav, np.ones((2, 2))) == 0
    assert append(wav, np.ones((1, 2))) == -errno.EFBIG
    assert lib.sfm_wav_close(wav) == 0
    with path.open("rb") as file:
        header = file.read(44)
    assert int.from_bytes(header[40:44], "little") == 2**32 - 1 - 36 - 3
    assert int.from_bytes(header[4:8], "little") == 2**32 - 1 - 3


def test_a_wav_file_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    wav = ffi.new("sfm_wav *")
    assert lib.sfm_wav_create(wav, bytes(tmp_path), 8000, 1) == -errno.EISDIR
    assert lib.sfm_wav_create(wav, bytes(tmp_path / "a" / "b"), 8000, 1) == -errno.ENOENT


def new_tape(limit: int = 0) -> Any:
    """A tape that goes with its last reference."""
    out = ffi.new("sfm_tape **")
    check(lib.sfm_tape_create(8000, 1, limit, out))
    return ffi.gc(out[0], lib.sfm_tape_destroy)


def put(tape: Any, sent: list[int], heard: list[int]) -> None:
    """One tick."""
    lib.sfm_tape_append_sent(tape, 8000, ffi.new("int16_t[]", sent), ffi.NULL, len(sent))
    lib.sfm_tape_append_heard(tape, 8000, ffi.new("int16_t[]", heard), ffi.NULL, len(heard))


def read(tape: Any, capacity: int = 100) -> list[int]:
    """Interleaved samples."""
    frames = ffi.new("int16_t[]", 2 * capacity)
    return list(frames[0 : 2 * lib.sfm_tape_read(tape, frames, capacity)])


def test_a_tape_joins_both_channels_on_one_time_line() -> None:
    tape = new_tape()
    lib.sfm_tape_append_sent(tape, 8000, ffi.new("int16_t[]", [1, 2, 3]), ffi.NULL, 3)
    assert read(tape) == []  # not heard yet
    lib.sfm_tape_append_heard(tape, 8000, ffi.new("int16_t[]", [7, 8]), ffi.NULL, 2)
    assert read(tape) == [1, 7, 2, 8]
    lib.sfm_tape_append_heard(tape, 8000, ffi.new("int16_t[]", [9]), ffi.NULL, 1)
    assert read(tape) == [3, 9]
    assert read(tape) == []


def test_a_tape_of_two_channels_has_four_in_a_frame() -> None:
    out = ffi.new("sfm_tape **")
    check(lib.sfm_tape_create(8000, 2, 0, out))
    tape = ffi.gc(out[0], lib.sfm_tape_destroy)
    sides = [ffi.new("int16_t[]", side) for side in ([1, 2], [11, 12], [21, 22], [31, 32])]
    lib.sfm_tape_append_sent(tape, 8000, sides[0], sides[1], 2)
    lib.sfm_tape_append_heard(tape, 8000, sides[2], sides[3], 2)
    frames = ffi.new("int16_t[8]")
    assert lib.sfm_tape_read(tape, frames, 2) == 2
    assert list(frames) == [1, 11, 21, 31, 2, 12, 22, 32]
    assert lib.sfm_tape_create(8000, 3, 0, out) == lib.SFM_ERROR_ARGUMENT


def test_a_tape_goes_round_for_as_long_as_it_is_read() -> None:
    tape = new_tape()
    for n in range(3 * lib.SFM_TAPE_FRAMES // 50):
        put(tape, [n % 30000] * 50, [1] * 50)
        assert read(tape) == [n % 30000, 1] * 50
    assert not lib.sfm_tape_full(tape)


def test_a_full_tape_takes_no_more_of_either_channel() -> None:
    tape = new_tape(limit=3)
    put(tape, [1, 2], [3, 4])
    put(tape, [5, 6], [7, 8])
    put(tape, [9], [9])
    assert read(tape) == [1, 3, 2, 4, 5, 7]
    assert lib.sfm_tape_full(tape)
    assert not lib.sfm_tape_overflowed(tape)


def test_a_refused_tape_is_full() -> None:
    tape = new_tape()
    lib.sfm_tape_refuse(tape)
    put(tape, [1], [1])
    assert read(tape) == []
    assert lib.sfm_tape_full(tape)


def test_a_prompt_outlives_its_file_and_needs_whole_samples() -> None:
    codec = lib.sfm_codec_find(b"PCMU")
    out = ffi.new("sfm_prompt **")
    with tempfile.TemporaryFile() as file:
        file.write(bytes(range(100)))
        file.flush()
        check(lib.sfm_prompt_map(file.fileno(), 100, codec, out))
        with pytest.raises(MisuseError):
            check(lib.sfm_prompt_map(file.fileno(), 0, codec, out))
    prompt = ffi.gc(out[0], lib.sfm_prompt_release)
    copied = ffi.new("uint8_t[]", 10)
    assert lib.sfm_prompt_copy(prompt, 90, 10, copied) == 10
    assert bytes(copied) == bytes(range(90, 100))
    with pytest.raises(MediaError):
        check(lib.sfm_prompt_map(-1, 100, codec, out))
