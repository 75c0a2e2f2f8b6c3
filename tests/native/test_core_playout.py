"""The playout with codecs that do not keep their word, with long ticks, and after a reset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Core
from playing import AUDIO, CONCEALED, MS, WAITING, Playout, Rtp, audio, stream


class FakeCodec:
    """A codec on payload type 96: 160 units a packet, its decoder's answer is chosen by the test."""

    def __init__(self, core: Core, answer: int) -> None:
        self.answer, self.begun = answer, 0
        self.state = core.ffi.new("uint64_t[2]")
        types = {name: field.type for name, field in core.ffi.typeof("sfm_codec").fields}
        decode = core.ffi.callback(types["decode"], self._decode)
        duration_ts = core.ffi.callback(types["duration_ts"], lambda codec, payload, length: 160)
        decoder_init = core.ffi.callback(types["decoder_init"], self._begin)
        fields = {"clock_rate": 8000, "sample_rate": 8000, "channels": 1, "frame_samples": 1, "decoder_bytes": 16}
        self.keep = (decode, duration_ts, decoder_init)
        self.codec = core.new("sfm_codec", decode=decode, duration_ts=duration_ts, decoder_init=decoder_init, **fields)

    def _begin(self, codec: Any, state: Any) -> int:
        self.begun += 1
        return 0

    def _decode(self, state: Any, payload: Any, length: int, pcm: Any, capacity: int) -> int:
        for n in range(min(max(self.answer, 0), capacity)):
            pcm[n] = 1000
        return self.answer


def started(core: Core, codec: FakeCodec) -> Playout:
    """A playout that is about to play the first of three packets of the codec."""
    unit = Playout(core)
    assert core.lib.sfm_playout_set_codec(unit.playout, 96, codec.codec, codec.state) == 0
    for n in range(3):
        unit.put(Rtp(n, n * 160, n * 20 * MS, b"x", payload_type=96))
    return unit


@pytest.mark.parametrize(("answer", "good", "content"), [(160, 160, AUDIO), (400, 160, AUDIO), (100, 100, AUDIO),
                                                        (0, 0, CONCEALED), (-7, 0, CONCEALED)])  # fmt: skip
def test_a_packet_lasts_as_long_as_announced_whatever_its_decoder_gives(
    core: Core, answer: int, good: int, content: int
) -> None:
    codec = FakeCodec(core, answer)
    unit = started(core, codec)
    kind, pcm = unit.read(40 * MS, 160)
    assert kind == content
    assert (pcm[:good] == 1000).all()
    assert not (pcm[good:] == 1000).any() or good == 100  # what is missing is concealed, here by going on
    assert unit.read(60 * MS, 160)[0] == content
    assert unit.counts().played == 2


def test_a_codec_that_is_taken_away_leaves_concealment(core: Core) -> None:
    codec = FakeCodec(core, 160)
    unit = started(core, codec)
    core.lib.sfm_playout_set_codec(unit.playout, 96, core.ffi.NULL, core.ffi.NULL)
    assert unit.read(40 * MS, 160)[0] == CONCEALED


def test_a_restarted_sender_finds_a_fresh_decoder(core: Core) -> None:
    codec = FakeCodec(core, 160)
    unit = started(core, codec)
    assert codec.begun == 1
    for n in range(2):
        unit.put(Rtp(500 + n, 0, 100 * MS, b"x", ssrc=2, payload_type=96))
    assert codec.begun == 2


def test_a_reset_in_the_middle_of_a_packet_leaves_nothing_of_it(core: Core) -> None:
    unit = Playout(core)
    for packet in stream(3):
        unit.put(packet)
    assert unit.read(40 * MS, 80)[0] == AUDIO
    core.lib.sfm_playout_reset(unit.playout)
    content, pcm = unit.read(50 * MS, 160)
    assert content == WAITING
    assert not pcm.any()
    again = stream(3, ssrc=2)
    for packet in again:
        unit.put(packet.late(100))
    heard = np.concatenate([unit.read((160 + n * 20) * MS, 160)[1] for n in range(3)])
    np.testing.assert_array_equal(heard, audio(again))


def test_a_reset_forgets_what_concealment_would_repeat(core: Core) -> None:
    codec = FakeCodec(core, 160)
    unit = started(core, codec)
    unit.read(40 * MS, 480)
    core.lib.sfm_playout_reset(unit.playout)
    codec.answer = -1
    for n in range(3):
        unit.put(Rtp(n, n * 160, (200 + n * 20) * MS, b"x", payload_type=96))
    content, pcm = unit.read(260 * MS, 160)
    assert content == CONCEALED
    assert not pcm.any()


def test_delay_is_measured_to_the_sample_within_a_long_tick(core: Core) -> None:
    unit = Playout(core)
    for packet in stream(3):
        unit.put(packet)
    assert unit.read(50 * MS, 480)[0] == AUDIO
    assert unit.counts().current_delay_ns == (50 + 40 - 40) * MS
    assert unit.counts().mean_delay_ns == 50 * MS
