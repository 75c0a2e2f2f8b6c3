"""Audio that is encoded already: every frame is sent as it stands in its file, and what comes has no sound."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sipflow.errors import MediaError
from sipflow.lang.lower.codecs import sent_ms
from sipflow.media import MediaInfo, MediaLibrary, MediaProblem
from sipflow.media.formats import codec_of, packet_time_ms
from sipflow.media.opus import has_opus
from sipflow.media_params import RtpFormat
from sipflow.native import lib
from tests.media.signals import speech, write_wav
from tests.media.stepped import STORE, SteppedLeg

GSM, G729 = RtpFormat("GSM", 3), RtpFormat("G729", 18, fmtp="annexb=no")
AMR = RtpFormat("AMR", 105, fmtp="octet-align=1")
AMR_PACKED = RtpFormat("AMR", 105)
AMR_WB = RtpFormat("AMR-WB", 106, 16000, fmtp="octet-align=1")
ILBC, ILBC_20 = RtpFormat("iLBC", 104), RtpFormat("iLBC", 104, fmtp="mode=20")
G723 = RtpFormat("G723", 4)

AMR_BYTES = (12, 13, 15, 17, 19, 20, 26, 31, 5)
AMR_WB_BYTES = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5)
"""Of a frame by its type (RFC 4867 section 5.3)."""


def frames_of(size: int, count: int = 50) -> list[bytes]:
    """No two of them alike."""
    made = random.Random(size)
    return [made.randbytes(size) for _ in range(count)]


def sent(path: Path, rtp_format: RtpFormat, ptime_ms: int, ms: int, *, start_ms: float = 0) -> list[bytes]:
    """Payloads of all packets that leave a leg in that time."""
    leg, codec = SteppedLeg(), codec_of(rtp_format)
    used_ms = packet_time_ms(codec, ptime_ms)
    form = {"codec": codec, "payload_type": rtp_format.payload_type}
    leg.start(send_format=form, receive_formats=[form], ptime_ms=used_ms)
    leg.play(STORE.load(path, rtp_format, ptime_ms=ptime_ms, start_ms=start_ms))
    packets: list[bytes] = []
    for tick in range(ms // used_ms):
        now_ns = 1_000_000_000 + tick * used_ms * 1_000_000
        leg.send_tick(now_ns)
        packets += leg.packets(now_ns)
    assert [event.completed for event in leg.of_kind(lib.SFM_EVENT_PLAY_FINISHED)] == [True]
    assert {packet[1] & 0x7F for packet in packets} == {rtp_format.payload_type}
    return [packet[12:] for packet in packets]


@pytest.mark.parametrize("ptime_ms", [20, 40, 60])
@pytest.mark.parametrize(("suffix", "rtp_format", "size", "frame_ms"), [(".gsm", GSM, 33, 20), (".g729", G729, 10, 10)])
def test_frames_leave_as_they_are_and_nothing_behind_them(
    tmp_path: Path, suffix: str, rtp_format: RtpFormat, size: int, frame_ms: int, ptime_ms: int
) -> None:
    frames = frames_of(size)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"".join(frames))
    payloads = sent(path, rtp_format, ptime_ms, 50 * frame_ms + 500)
    assert b"".join(payloads) == b"".join(frames)
    assert {len(payload) for payload in payloads[:-1]} == {size * ptime_ms // frame_ms}


def test_a_play_begins_with_the_frame_that_holds_the_moment(tmp_path: Path) -> None:
    frames = frames_of(33)
    path = tmp_path / "x.gsm"
    path.write_bytes(b"".join(frames))
    assert sent(path, GSM, 20, 1500, start_ms=210) == frames[10:]
    with pytest.raises(MediaError, match="no audio after 1000 ms"):
        STORE.load(path, GSM, start_ms=1000)


def stored_amr(magic: bytes, sizes: tuple[int | None, ...]) -> tuple[bytes, list[bytes]]:
    """A file in the storage format of RFC 4867 section 5 with each type of frame, and the frames with their headers."""
    frames = [bytes([kind << 3 | 4]) + random.Random(kind).randbytes(size) for kind, size in enumerate(sizes) if size]
    return magic + b"".join(frames), frames


@pytest.mark.parametrize(
    ("suffix", "magic", "rtp_format", "sizes"),
    [(".amr", b"#!AMR\n", AMR, AMR_BYTES), (".awb", b"#!AMR-WB\n", AMR_WB, AMR_WB_BYTES)],
)
def test_amr_aligned_to_octets(
    tmp_path: Path, suffix: str, magic: bytes, rtp_format: RtpFormat, sizes: tuple[int | None, ...]
) -> None:
    data, frames = stored_amr(magic, sizes)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data + b"\x7c" + frames[0])  # a frame without data is not sent
    assert sent(path, rtp_format, 20, 1000) == [b"\xf0" + frame for frame in (*frames, frames[0])]
    two = sent(path, rtp_format, 40, 1000)
    assert two[0] == bytes([0xF0, frames[0][0] | 0x80, frames[1][0]]) + frames[0][1:] + frames[1][1:]


def test_amr_without_bits_that_fill_up(tmp_path: Path) -> None:
    """A packet of 12.2 kbit/s as in RFC 4867 section 4.3.5.1: mode request, F, type, Q, 244 bits, two bits to fill."""
    frame = bytes([7 << 3 | 4]) + bytes([0xFF] * 30 + [0xF0])
    path = tmp_path / "x.amr"
    path.write_bytes(b"#!AMR\n" + frame)
    (payload,) = sent(path, AMR_PACKED, 20, 100)
    assert len(payload) == 32
    assert int.from_bytes(payload) == (0xF << 6 | 0b0_0111_1) << 246 | (2**244 - 1) << 2


@pytest.mark.parametrize(
    ("rtp_format", "magic", "size", "ptime_ms"), [(ILBC, b"#!iLBC30\n", 50, 30), (ILBC_20, b"#!iLBC20\n", 38, 20)]
)
def test_ilbc_in_both_modes(tmp_path: Path, rtp_format: RtpFormat, magic: bytes, size: int, ptime_ms: int) -> None:
    frames = frames_of(size, 20)
    path = tmp_path / "x.lbc"
    path.write_bytes(magic + b"".join(frames))
    assert packet_time_ms(codec_of(rtp_format), 20) == ptime_ms
    assert sent(path, rtp_format, 20, 1000) == frames
    other = ILBC if rtp_format is ILBC_20 else ILBC_20
    with pytest.raises(MediaError, match=rf"frames of {ptime_ms} ms"):
        STORE.load(path, other)


def test_g723_frames_of_different_length(tmp_path: Path) -> None:
    frames = [b"\0" + bytes([n] * 23) for n in range(9)] + [b"\1" + bytes([9] * 19), b"\2abc"]
    path = tmp_path / "x.g723"
    path.write_bytes(b"".join(frames))
    assert sent(path, G723, 20, 1000) == frames
    assert sent(path, G723, 60, 1000)[0] == frames[0] + frames[1]


def test_what_is_not_the_codecs_own_is_refused(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "x.wav", speech(1))
    gsm, broken, fake, empty = (tmp_path / name for name in ("x.gsm", "broken.gsm", "x.amr", "empty.g729"))
    gsm.write_bytes(bytes(66))
    broken.write_bytes(bytes(67))
    fake.write_bytes(bytes(66))
    empty.write_bytes(b"")
    for path, rtp_format, why in (
        (wav, GSM, "GSM only passes through"),
        (gsm, RtpFormat("PCMU", 0), "holds frames of GSM, and PCMU is sent"),
        (gsm, G729, "holds frames of GSM, and G729 is sent"),
        (broken, GSM, "no whole frames of 33"),
        (fake, AMR, "does not begin as such a file does"),
        (empty, G729, "holds no audio"),
        (tmp_path / "none.gsm", GSM, "no such file"),
    ):
        with pytest.raises(MediaError, match=why):
            STORE.load(path, rtp_format)
    with pytest.raises(MediaError, match="cannot be made louder"):
        STORE.load(gsm, GSM, gain_db=3)
    with pytest.raises(MediaError, match="only passes through"):
        STORE.tone(440, 500, GSM)
    with pytest.raises(MediaError, match="only passes through"):
        STORE.digits("1", GSM)


def test_the_library_knows_such_files(tmp_path: Path) -> None:
    (tmp_path / "x.gsm").write_bytes(bytes(33 * 50))
    (tmp_path / "y.gsm").write_bytes(bytes(34))
    library = MediaLibrary([tmp_path])
    info, problem = library.probe(tmp_path / "x.gsm"), library.probe(tmp_path / "y.gsm")
    assert isinstance(info, MediaInfo)
    assert (info.duration_ms, info.sample_rate, info.encoded) == (1000, 8000, "GSM")
    assert isinstance(problem, MediaProblem)
    assert [item.path.name for item in library.list()] == ["x.gsm", "y.gsm"]


def test_what_comes_is_counted_and_its_sound_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "x.gsm"
    path.write_bytes(b"".join(frames_of(33, 150)))
    sender, receiver, form = SteppedLeg(1), SteppedLeg(2), {"codec": codec_of(GSM), "payload_type": 3}
    for leg in (sender, receiver):
        leg.start(send_format=form, receive_formats=[form])
    sender.play(STORE.load(path, GSM))
    for tick in range(200):
        now_ns = 1_000_000_000 + tick * 20_000_000
        for leg in (sender, receiver):
            leg.send_tick(now_ns)
        for number, packet in enumerate(sender.packets(now_ns)):
            if tick % 10 != 5:  # one of ten is lost
                receiver.receive(packet, now_ns + number)
        receiver.playout_tick(now_ns)
    counted = receiver.statistics()
    assert (counted.packets_received, counted.packets_lost, counted.malformed, counted.unknown_payload) == (
        135,
        15,
        0,
        0,
    )
    assert counted.pattern.missing == 15
    assert counted.concealed_ns == 15 * 20_000_000
    assert (counted.heard_samples, counted.listened_ns, counted.silent_ns, counted.clipped_samples) == (0, 0, 0, 0)
    assert (counted.level_tenths, counted.peak) == (-1, -1)
    assert counted.unknown_ns > 3_900_000_000
    assert not any(receiver.packets(now_ns)), "who has nothing to play has nothing to send"


def test_the_language_knows_how_long_packets_are() -> None:
    """`check` loads no engine, and says the same (SF419)."""
    formats = {
        "PCMU": RtpFormat("PCMU", 0), "G722": RtpFormat("G722", 9), "L16": RtpFormat("L16", 96, 16000), "GSM": GSM,
        "G729": G729, "G723": G723, "iLBC": ILBC, "iLBC20": ILBC_20, "AMR": AMR, "AMR-WB": AMR_WB,
    }  # fmt: skip
    if has_opus():
        formats["opus"] = RtpFormat("opus", 96, 48000, 2)
    for name, rtp_format in formats.items():
        codec = codec_of(rtp_format)
        assert [sent_ms(name, ms) for ms in range(1, 201)] == [packet_time_ms(codec, ms) for ms in range(1, 201)], name
