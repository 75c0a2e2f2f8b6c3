"""Two channels in the playout: each comes out on its own side, whatever is done to it on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Core
from playing import AUDIO, CONCEALED, MS, Playout, Rtp, audio, stream

WIDE = 96
PACKET = 160
LEFT_HZ, RIGHT_HZ = 500, 1250


class WideCodec:
    """Its packets are 20 ms of left and right samples, interleaved; what is shorter cannot be decoded."""

    def __init__(self, core: Core, rate: int = 8000) -> None:
        types = {name: field.type for name, field in core.ffi.typeof("sfm_codec").fields}
        self.core, self.packet = core, rate // 50
        self.keep = (
            core.ffi.callback(types["decode"], self._decode),
            core.ffi.callback(types["duration_ts"], lambda codec, payload, length: self.packet),
        )
        fields = {"clock_rate": rate, "sample_rate": rate, "channels": 2, "decoded_channels": 2, "frame_samples": 1}
        self.codec = core.new("sfm_codec", decode=self.keep[0], duration_ts=self.keep[1], **fields)

    def _decode(self, state: Any, payload: Any, length: int, pcm: Any, capacity: int) -> int:
        count = length // 4
        if count != self.packet or count > capacity:
            return int(self.core.lib.SFM_ERROR_LENGTH)
        self.core.ffi.memmove(pcm, payload, length)
        return count


class Wide:
    """A playout with a right channel, whose wide codec is on payload type 96; PCMU is on 0."""

    def __init__(self, core: Core, rate: int = 8000) -> None:
        self.core, self.codec, self.unit = core, WideCodec(core, rate), Playout(core, payload_capacity=4000)
        out = core.ffi.new("sfm_playout_right **")
        assert core.lib.sfm_playout_right_create(out) == 0
        self.right = core.owned(out[0], core.lib.sfm_playout_right_destroy)
        self.widen()

    def widen(self) -> None:
        self.core.lib.sfm_playout_set_right(self.unit.playout, self.right)
        assert self.listen() == 0

    def listen(self) -> int:
        return int(self.core.lib.sfm_playout_set_codec(self.unit.playout, WIDE, self.codec.codec, self.core.ffi.NULL))

    def read(self, now_ns: int, count: int) -> tuple[int, np.ndarray]:
        """What it is made of, and frames of left and right."""
        pcm = np.zeros((2, count), np.int16)
        left, right = (self.core.ffi.from_buffer("int16_t[]", channel) for channel in pcm)
        return self.core.lib.sfm_playout_read_both(self.unit.playout, now_ns, left, right, count), pcm.T


def tones(count: int, rate: int = 8000) -> np.ndarray:
    """Frames: 500 Hz on the left, 1250 Hz on the right."""
    at = np.arange(count) / rate
    waves = [8000 * np.sin(2 * np.pi * hertz * at) for hertz in (LEFT_HZ, RIGHT_HZ)]
    return np.rint(np.stack(waves, axis=1)).astype(np.int16)


def packets(frames: np.ndarray, packet: int = PACKET) -> list[Rtp]:
    """Each arrives when it was sent."""
    count = len(frames) // packet
    return [
        Rtp(n, n * packet, n * 20 * MS, frames[n * packet : (n + 1) * packet].tobytes(), payload_type=WIDE)
        for n in range(count)
    ]


def apart_db(channel: np.ndarray, own_hz: int, other_hz: int, rate: int = 8000) -> float:
    """How much louder a channel has its own tone than that of the other; of 80 ms, where both are whole bins."""
    spectrum = np.abs(np.fft.rfft(channel[-rate * 2 // 25 :].astype(float)))
    return float(20 * np.log10(spectrum[own_hz * 2 // 25] / max(spectrum[other_hz * 2 // 25], 1e-9)))


@pytest.mark.parametrize("tick_ms", [10, 20, 30])
def test_left_and_right_come_out_as_they_went_in(core: Core, tick_ms: int) -> None:
    wide, frames = Wide(core), tones(9 * PACKET)
    for packet in packets(frames):
        assert wide.unit.put(packet) == 0
    ticks = [wide.read((40 + n * tick_ms) * MS, tick_ms * 8) for n in range(180 // tick_ms)]
    assert {content for content, _ in ticks} == {AUDIO}
    assert np.array_equal(np.concatenate([pcm for _, pcm in ticks]), frames)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_another_rate_keeps_the_channels_apart(core: Core, rate: int) -> None:
    wide, packet = Wide(core, rate), rate // 50
    for each in packets(tones(10 * packet, rate), packet):
        assert wide.unit.put(each) == 0
    heard = np.concatenate([wide.read((40 + n * 20) * MS, PACKET)[1] for n in range(10)])
    assert apart_db(heard[:, 0], LEFT_HZ, RIGHT_HZ) > 60
    assert apart_db(heard[:, 1], RIGHT_HZ, LEFT_HZ) > 60


@pytest.mark.parametrize("loud", [0, 1])
def test_a_loss_is_concealed_for_each_channel_by_itself(core: Core, loud: int) -> None:
    wide, frames = Wide(core), tones(10 * PACKET)
    frames[:, 1 - loud] = 0
    for n, packet in enumerate(packets(frames)):
        if n != 5:
            wide.unit.put(packet)
    ticks = [wide.read((40 + n * 20) * MS, PACKET) for n in range(10)]
    assert [content for content, _ in ticks] == [AUDIO] * 5 + [CONCEALED] + [AUDIO] * 4
    made_up = ticks[5][1]
    assert not made_up[:, 1 - loud].any()
    assert np.abs(made_up[:, loud]).max() > 4000


def test_what_cannot_be_decoded_is_concealed_on_both_sides(core: Core) -> None:
    wide, sent = Wide(core), packets(tones(10 * PACKET))
    for n, packet in enumerate(sent):
        wide.unit.put(packet if n != 5 else Rtp(n, n * PACKET, n * 20 * MS, b"broken", payload_type=WIDE))
    ticks = [wide.read((40 + n * 20) * MS, PACKET) for n in range(10)]
    assert ticks[5][0] == CONCEALED
    assert (np.abs(ticks[5][1]).max(axis=0) > 4000).all()
    heard = np.concatenate([pcm for _, pcm in ticks[3:7]])
    assert apart_db(heard[:, 0], LEFT_HZ, RIGHT_HZ) > 15
    assert apart_db(heard[:, 1], RIGHT_HZ, LEFT_HZ) > 15


def test_a_codec_of_one_channel_is_heard_on_both(core: Core) -> None:
    wide, sent = Wide(core), stream(6)
    for packet in sent[:4] + sent[5:]:
        wide.unit.put(packet)
    heard = np.concatenate([wide.read((40 + n * 20) * MS, PACKET)[1] for n in range(6)])
    assert np.array_equal(heard[: 4 * PACKET, 0], audio(sent[:4]))
    assert np.array_equal(heard[:, 0], heard[:, 1]), "what is concealed, too"


def test_a_right_channel_that_comes_in_mid_call_hears_what_was_decoded_before(core: Core) -> None:
    wide = Wide(core)
    core.lib.sfm_playout_set_right(wide.unit.playout, core.ffi.NULL)
    sent = stream(2)
    for packet in sent:
        wide.unit.put(packet)
    wide.unit.read(40 * MS, 100)
    wide.widen()
    _, heard = wide.read(52_500_000, PACKET)
    assert np.array_equal(heard[:, 0], audio(sent)[100 : 100 + PACKET])
    assert np.array_equal(heard[:, 1], heard[:, 0])


def test_two_channels_need_a_right_one(core: Core) -> None:
    wide = Wide(core)
    packet = packets(tones(PACKET))[0]
    assert wide.unit.put(packet) == 0
    core.lib.sfm_playout_set_right(wide.unit.playout, core.ffi.NULL)
    assert wide.unit.put(packet) == core.lib.SFM_ERROR_PAYLOAD_TYPE
    assert wide.listen() == core.lib.SFM_ERROR_ARGUMENT
    assert wide.read(40 * MS, PACKET)[0] == core.lib.SFM_ERROR_ARGUMENT


def test_who_reads_one_channel_of_two_gets_the_left_one(core: Core) -> None:
    wide, frames = Wide(core), tones(4 * PACKET)
    for packet in packets(frames):
        wide.unit.put(packet)
    heard = [wide.unit.read((40 + n * 20) * MS, PACKET)[1] for n in range(4)]
    assert np.array_equal(np.concatenate(heard), frames[:, 0])


def test_no_memory_for_a_right_channel_is_an_error(core: Core) -> None:
    for allowed in (0, 1):
        core.lib.allocations_until_failure = allowed
        try:
            created = core.lib.sfm_playout_right_create(core.ffi.new("sfm_playout_right **"))
        finally:
            core.lib.allocations_until_failure = -1
        assert created == core.lib.SFM_ERROR_MEMORY
