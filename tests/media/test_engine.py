"""The engine on real sockets: what is played is heard and recorded, whatever else comes to the ports."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sipflow.errors import MachineError, MediaError, MisuseError
from sipflow.events import (
    DtmfReceived,
    DtmfSent,
    MediaFirstPacket,
    MediaProgress,
    PlayFinished,
    RecordingFinished,
)
from sipflow.media import EngineConfig, Impairment, JitterConfig, Leg, MediaEngine, PromptStore
from sipflow.media_params import Direction, RtpFormat
from tests.media.engine import LOOPBACK, PCMA, PCMU, Listener, connect, params, read_wav
from tests.media.signals import best_lag, position_in, round_trip, speech, write_wav
from tests.ports import free_port

pytestmark = pytest.mark.wire
STORE = PromptStore()


@pytest.fixture
def engine() -> Iterator[MediaEngine]:
    """An engine that is closed in the end."""
    with MediaEngine() as engine:
        yield engine


@pytest.fixture
def listener(engine: MediaEngine) -> Listener:
    """Its events."""
    return Listener(engine)


@pytest.fixture
def legs(engine: MediaEngine) -> tuple[Leg, Leg]:
    """Two legs that have not started."""
    return engine.open_leg("alice-1", LOOPBACK), engine.open_leg("bob-1", LOOPBACK)


def prompt_of(folder: Path, seconds: float = 1.0, rtp_format: RtpFormat = PCMU):  # type: ignore[no-untyped-def]
    """A prompt of that length."""
    return STORE.load(write_wav(folder / f"prompt{seconds}.wav", speech(seconds)), rtp_format)


def let_it_be_heard(listener: Listener, sender: Leg) -> None:
    """Waits until the jitter buffer has played what was sent: a digit lasts longer."""
    sender.send_dtmf("#", 99)
    listener.wait_for(DtmfSent)


# --- playing, hearing, recording ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rtp_format", [PCMU, PCMA], ids=lambda f: f.name)
def test_the_received_channel_equals_the_round_trip_of_the_prompt(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path, rtp_format: RtpFormat
) -> None:
    alice, bob = legs
    bob.record(tmp_path / "new" / "folder" / "bob.wav", 7)
    alice.record(tmp_path / "alice.wav", 8)
    connect(alice, bob, rtp_format)
    listener.wait_for(MediaFirstPacket, 2)
    alice.play(prompt_of(tmp_path, 1.0, rtp_format), 1)
    listener.wait_for(PlayFinished)
    let_it_be_heard(listener, alice)
    alice.close()
    bob.close()
    listener.wait_for(RecordingFinished, 2)
    expected = round_trip(speech(1.0), rtp_format.name)
    heard = read_wav(tmp_path / "new" / "folder" / "bob.wav")
    sent = read_wav(tmp_path / "alice.wav")
    assert position_in(expected, heard[:, 1].copy()) > 0
    assert position_in(expected, sent[:, 0].copy()) > 0
    assert np.abs(heard[:, 0]).max() <= 8  # A-law has no zero
    assert listener.of(PlayFinished) == [PlayFinished("alice-1", 1, 1000, True)]
    assert {event.error for event in listener.of(RecordingFinished)} == {""}
    assert {event.duration_ms for event in listener.of(RecordingFinished)} == {len(heard) // 8, len(sent) // 8}


def test_loss_on_purpose_is_concealed_and_shifts_nothing(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    alice, bob = legs
    connect(alice, bob)
    bob.record(tmp_path / "bob.wav", 7, channels="received")
    alice.impair(Impairment(loss=0.05))
    listener.wait_for(MediaFirstPacket, 2)
    alice.play(prompt_of(tmp_path, 3.0), 1)
    listener.wait_for(PlayFinished)
    counted = bob.statistics()
    bob.close()
    listener.wait_for(RecordingFinished)
    heard, expected = read_wav(tmp_path / "bob.wav")[:, 0], round_trip(speech(3.0), "PCMU")
    start = best_lag(expected[:8000], heard, 0, 8000)
    for second in (0, 1):
        part = expected[second * 8000 : (second + 1) * 8000]
        assert abs(best_lag(part, heard, start + second * 8000, 800) - start - second * 8000) <= 160
    assert counted.packets_lost and counted.concealed_ms and alice.statistics().impairment_lost >= counted.packets_lost


def test_sixteen_digits_arrive_once_and_in_order_through_loss(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg]
) -> None:
    alice, bob = legs
    connect(alice, bob)
    alice.impair(Impairment(loss=0.05))
    alice.send_dtmf("0123456789*#", 1, tone_ms=50, gap_ms=50)
    alice.send_dtmf("ABCD", 2, tone_ms=50, gap_ms=50)
    listener.wait(lambda: len(listener.of(DtmfSent)) == 2 and len(listener.of(DtmfReceived)) >= 16)
    assert "".join(event.digit for event in listener.of(DtmfReceived)) == "0123456789*#ABCD"
    assert {event.call for event in listener.of(DtmfReceived)} == {"bob-1"}
    assert listener.of(DtmfSent) == [
        DtmfSent("alice-1", 1, "0123456789*#", True),
        DtmfSent("alice-1", 2, "ABCD", True),
    ]
    assert bob.statistics().digits_received == "0123456789*#ABCD"


def test_plays_loop_stop_and_end_at_their_limit(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    alice, bob = legs
    connect(alice, bob)
    prompt = prompt_of(tmp_path, 0.2)
    alice.play(prompt, 1, times=3)
    bob.play(prompt, 2, times=None, duration_ms=700)
    listener.wait_for(PlayFinished, 2)
    alice.play(STORE.tone(440, None, PCMU), 3)
    listener.wait_for(MediaProgress, 1)
    alice.stop_play()
    listener.wait_for(PlayFinished, 3)
    first, second, third = listener.of(PlayFinished)
    assert [(e.token, e.played_ms, e.completed) for e in (first, second)] == [(1, 600, True), (2, 700, True)]
    assert (third.token, third.completed) == (3, False)
    assert all(event.total_ms is None for event in listener.of(MediaProgress) if event.token == 3)


def test_a_new_play_replaces_the_old_and_both_report(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    connect(*legs)
    prompt = prompt_of(tmp_path, 0.3)
    for token in range(50):
        legs[0].play(prompt, token)
    listener.wait_for(PlayFinished, 50)
    assert [(event.token, event.completed) for event in listener.of(PlayFinished)] == [
        (token, token == 49) for token in range(50)
    ]


def test_recordings_choose_their_channels_and_end_at_their_limit(
    engine: MediaEngine, listener: Listener, tmp_path: Path
) -> None:
    alice = engine.open_leg("alice-1", LOOPBACK)
    peers = [engine.open_leg(f"bob-{n}", LOOPBACK) for n in range(3)]
    connect(alice, peers[0])
    for peer in peers[1:]:
        peer.start(params(peer, alice))
    for peer, channels in zip(peers, ("sent", "mono", "stereo"), strict=True):
        peer.record(tmp_path / f"{channels}.wav", 1, channels=channels, duration_ms=410)
        peer.play(STORE.tone(1000, None, PCMU), 2)
    listener.wait_for(RecordingFinished, 3)
    assert {event.duration_ms for event in listener.of(RecordingFinished)} == {410}
    shapes = {name: read_wav(tmp_path / f"{name}.wav").shape for name in ("sent", "mono", "stereo")}
    assert shapes == {"sent": (3280, 1), "mono": (3280, 1), "stereo": (3280, 2)}
    assert read_wav(tmp_path / "sent.wav").any()
    with pytest.raises(MisuseError):
        alice.record(tmp_path / "x.wav", 3, channels="left")


def test_a_recording_goes_on_over_hold_and_hears_again_after_it(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    alice, bob = legs
    bob.record(tmp_path / "bob.wav", 7, channels="received")
    connect(alice, bob)
    alice.play(STORE.tone(440, None, PCMU), 1)
    listener.wait(lambda: bob.statistics().packets_received > 20)
    alice.start(params(alice, bob, direction=Direction.INACTIVE))
    bob.start(params(bob, alice, direction=Direction.INACTIVE))
    held = bob.statistics().packets_received
    listener.wait(lambda: bool(listener.of(MediaProgress)) and listener.of(MediaProgress)[-1].elapsed_ms >= 1000)
    assert bob.statistics().packets_received <= held + 2
    connect(alice, bob)
    listener.wait(lambda: bob.statistics().packets_received > held + 30)
    bob.close()
    listener.wait_for(RecordingFinished)
    heard = read_wav(tmp_path / "bob.wav")[:, 0]
    loud = [bool(abs(heard[i : i + 800]).max() > 1000) for i in range(0, len(heard) - 800, 800)]
    assert loud[3] and loud[-1] and not all(loud[3:])
    assert bob.statistics().packets_lost == 0


# --- what comes from outside ----------------------------------------------------------------------------------------


def test_packets_that_come_before_the_start_are_heard(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg]
) -> None:
    alice, bob = legs
    bob.start(params(bob, alice))
    listener.wait(lambda: bob.statistics().packets_sent >= 5)
    assert alice.statistics().packets_received == 0
    alice.start(params(alice, bob))
    listener.wait_for(MediaFirstPacket, 2)
    counted = alice.statistics()
    assert counted.packets_received >= 5
    assert counted.packets_lost == 0


def test_junk_on_both_ports_changes_nothing(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    alice, bob = legs
    dice = random.Random(3)
    connect(alice, bob)
    bob.record(tmp_path / "bob.wav", 7, channels="received")
    listener.wait_for(MediaFirstPacket, 2)
    alice.play(prompt_of(tmp_path), 1)
    rtp_like = b"\x80\x00" + bytes(10) + b"\x55" * 160
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for n in range(30):
            for junk in (rtp_like, b"", dice.randbytes(100), dice.randbytes(3000), b"\x80\xc8\x00\x06" + bytes(24)):
                stranger.sendto(junk, (LOOPBACK, bob.port))
                stranger.sendto(junk, (LOOPBACK, bob.rtcp_port))
            if n % 10 == 9:  # what the kernel holds for a socket is bounded
                listener.wait(lambda n=n: bob.statistics().junk_packets == 10 * (n + 1))
        source = f"{LOOPBACK}:{stranger.getsockname()[1]}"
        listener.wait_for(PlayFinished)
    counted = bob.statistics()
    let_it_be_heard(listener, alice)
    bob.close()
    listener.wait_for(RecordingFinished)
    assert position_in(round_trip(speech(1.0), "PCMU"), read_wav(tmp_path / "bob.wav")[:, 0].copy()) > 0
    assert (counted.packets_lost, counted.malformed_packets, counted.digits_received) == (0, 0, "")
    assert bob.statistics().junk_source == source


def test_a_port_in_use_is_shared_with_nobody(listener: Listener, legs: tuple[Leg, Leg]) -> None:
    connect(*legs)
    listener.wait_for(MediaFirstPacket, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind((LOOPBACK, legs[0].port))


def test_a_peer_that_moves_is_followed_only_when_told(engine: MediaEngine, listener: Listener) -> None:
    alice, bob, carol = (engine.open_leg(f"{name}-1", LOOPBACK) for name in ("alice", "bob", "carol"))
    connect(alice, bob)
    carol.start(params(carol, alice))
    listener.wait_for(MediaFirstPacket, 2)
    listener.wait(lambda: alice.statistics().junk_packets > 5)
    alice.start(params(alice, carol))
    listener.wait_for(MediaFirstPacket, 4)
    assert [event.call for event in listener.of(MediaFirstPacket)].count("alice-1") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells an unconnected socket what ICMP says")
def test_a_port_where_nobody_listens_is_an_error_that_is_counted(engine: MediaEngine, listener: Listener) -> None:
    alice, gone = engine.open_leg("alice-1", LOOPBACK), engine.open_leg("gone-1", LOOPBACK)
    alice.start(params(alice, gone))
    gone.close()
    listener.wait(lambda: alice.statistics().send_errors > 3)
    assert alice.statistics().send_error == os.strerror(111)
    before = alice.statistics().packets_sent
    listener.wait(lambda: alice.statistics().packets_sent > before + 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what one socket dropped")
def test_what_the_kernel_drops_on_the_leg_s_socket_is_counted_to_the_packet(
    engine: MediaEngine, listener: Listener
) -> None:
    """A burst that is longer than the socket's buffer: every packet was either received or dropped."""
    alice = engine.open_leg("alice-1", LOOPBACK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((LOOPBACK, 0))
        peer.settimeout(5)
        target = (LOOPBACK, alice.port)
        alice.start(replace(params(alice, alice), remote_port=peer.getsockname()[1], remote_rtcp_port=0))
        peer.recv(2048)  # alice has the socket that is connected to this peer
        peer.setblocking(False)
        sent = 0
        while alice.statistics().socket_drops == 0 and sent < 200_000:
            for _ in range(5000):
                header = struct.pack("!BBHII", 0x80, 0, sent & 0xFFFF, sent * 160 & 0xFFFFFFFF, 7)
                sent += peer.sendto(header + bytes(160), target) == 172
        listener.wait(lambda: alice.statistics().packets_received + alice.statistics().socket_drops == sent)
    counted = alice.statistics()
    assert 0 < counted.socket_drops < sent and counted.packets_received > 0


def test_rtcp_tells_both_sides_of_loss_and_round_trip(engine: MediaEngine, listener: Listener) -> None:
    alice, bob = engine.open_leg("alice-1", LOOPBACK), engine.open_leg("bob-1", LOOPBACK)
    connect(alice, bob)
    alice.impair(Impairment(loss=0.3))
    listener.wait(lambda: alice.statistics().remote_packets_lost is not None, 10)
    counted = alice.statistics()
    assert counted.remote_packets_lost and counted.remote_packets_lost > 5
    assert counted.remote_loss == pytest.approx(0.3, abs=0.2)
    alice.close()
    listener.wait(lambda: bob.statistics().remote_said_bye)


def test_rtcp_shares_the_port_of_rtp(engine: MediaEngine, listener: Listener) -> None:
    alice, bob = engine.open_leg("alice-1", LOOPBACK), engine.open_leg("bob-1", LOOPBACK)
    alice.start(replace(params(alice, bob), remote_rtcp_port=bob.port))
    bob.start(replace(params(bob, alice), remote_rtcp_port=alice.port))
    listener.wait(lambda: alice.statistics().remote_packets_lost is not None, 10)
    alice.close()
    listener.wait(lambda: bob.statistics().remote_said_bye)
    assert bob.statistics().junk_packets == 0


# --- commands and resources -----------------------------------------------------------------------------------------


def test_events_name_the_call_that_the_leg_has_by_then(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    connect(*legs)
    legs[0].play(prompt_of(tmp_path, 0.2), 1)
    legs[0].call = "alice-2"
    listener.wait_for(PlayFinished)
    assert listener.of(PlayFinished)[0].call == "alice-2"


def test_closing_a_leg_ends_all_it_does_and_every_command_is_answered(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    connect(*legs)
    leg = legs[0]
    leg.record(tmp_path / "x.wav", 1)
    leg.play(prompt_of(tmp_path, 5.0), 2)
    leg.send_dtmf("123", 3)
    leg.send_dtmf("456", 4)
    leg.close()
    leg.close()
    listener.wait_for(RecordingFinished)
    assert [(e.token, e.completed) for e in listener.of(PlayFinished)] == [(2, False)]
    assert sorted((e.token, e.completed) for e in listener.of(DtmfSent)) == [(3, False), (4, False)]
    assert [(e.token, e.error) for e in listener.of(RecordingFinished)] == [(1, "")]
    assert leg.statistics().codec == "PCMU"
    with pytest.raises(MisuseError, match="closed"):
        leg.mute(True)


def test_closing_the_engine_finishes_recordings_and_its_events_are_still_there(tmp_path: Path) -> None:
    engine = MediaEngine(EngineConfig(threads=2, measure_floor=True))
    alice, bob = engine.open_leg("alice-1", LOOPBACK), engine.open_leg("bob-1", LOOPBACK)
    alice.record(tmp_path / "alice.wav", 1)  # before the first packet: each of those that are waited for is in it
    connect(alice, bob)
    Listener(engine).wait(lambda: bob.statistics().packets_received > 10)
    engine.close()
    engine.close()
    events = engine.drain()
    assert [event.token for event in events if isinstance(event, RecordingFinished)] == [1]
    assert len(read_wav(tmp_path / "alice.wav")) > 1600
    statistics = engine.statistics()
    assert statistics.lateness and statistics.lateness.count >= alice.statistics().packets_sent
    assert statistics.floor and statistics.floor.count > 50
    assert alice.statistics().packets_sent >= 10
    assert engine.fileno() == -1
    with pytest.raises(MisuseError):
        engine.open_leg("late", LOOPBACK)


def test_a_range_without_a_free_pair_says_so(engine: MediaEngine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        port = free_port(count=6)
        taken.bind((LOOPBACK, port + 3))
        first = engine.open_leg("a-1", LOOPBACK, port, port + 5)
        second = engine.open_leg("a-2", LOOPBACK, port, port + 5)
        assert [first.port, second.port] == [port, port + 4]
        with pytest.raises(MachineError, match=rf"{port}-{port + 5}.*taken"):
            engine.open_leg("a-3", LOOPBACK, port, port + 5)


@pytest.mark.parametrize(
    ("address", "first", "last", "error"),
    [
        ("192.0.2.1", 20000, 20100, MediaError),
        ("localhost", 20000, 20100, MachineError),
        (LOOPBACK, 30000, 20000, MisuseError),
        (LOOPBACK, 20000, 70000, MisuseError),
    ],
)
def test_addresses_and_ports_that_do_not_exist_are_refused(
    engine: MediaEngine, address: str, first: int, last: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        engine.open_leg("a-1", address, first, last)


def test_ipv6_works_as_well(engine: MediaEngine, listener: Listener) -> None:
    try:
        alice, bob = engine.open_leg("alice-1", "::1"), engine.open_leg("bob-1", "::1")
    except MediaError as error:
        pytest.skip(f"no IPv6 here: {error}")
    for leg, peer in ((alice, bob), (bob, alice)):
        wanted = params(leg, peer)
        leg.start(type(wanted)(**{**{f: getattr(wanted, f) for f in wanted.__slots__}, "remote_address": "::1"}))
    listener.wait_for(MediaFirstPacket, 2)


def test_two_thousand_legs_leave_no_descriptor_behind(engine: MediaEngine) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for round_ in range(20):
        legs = [engine.open_leg(f"call-{round_}-{n}", LOOPBACK) for n in range(100)]
        for first, second in zip(legs[::2], legs[1::2], strict=True):
            connect(first, second)
        for leg in legs:
            leg.close()
        legs[-1].statistics()  # the thread answers commands in order: by now all are closed
        engine.drain()
    assert len(list(descriptors.iterdir())) == before


def test_what_a_leg_cannot_do_is_refused_at_once(engine: MediaEngine, legs: tuple[Leg, Leg], tmp_path: Path) -> None:
    alice, bob = legs
    with pytest.raises(MediaError, match="telephone-event"):
        alice.send_dtmf("1", 1)
    with pytest.raises(MediaError, match=r"SILK.*PCMU"):
        alice.start(params(alice, bob, RtpFormat("SILK", 111)))
    connect(alice, bob)
    for digits in ("12E", "1é", "", "1" * 129):
        with pytest.raises(MisuseError):
            alice.send_dtmf(digits, 1)
    for impairment in (Impairment(loss=1.1), Impairment(reorder=-0.1), Impairment(jitter_ms=501)):
        with pytest.raises(MisuseError):
            alice.impair(impairment)
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "x.wav"):
        with pytest.raises(MediaError):
            alice.record(path, 1)
    with pytest.raises(MisuseError):
        alice.play(prompt_of(tmp_path, 0.1), 1, times=0)
    assert {type(event) for event in engine.drain()} <= {MediaFirstPacket}  # of the connection


def test_a_full_disk_ends_the_recording_with_a_reason(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(MediaError, match="space"):
        legs[0].record(Path("/dev/full"), 1)


def test_fixed_and_adaptive_delay_are_as_configured(engine: MediaEngine, listener: Listener) -> None:
    alice = engine.open_leg("alice-1", LOOPBACK, jitter=JitterConfig(adaptive=False, initial_ms=120))
    bob = engine.open_leg("bob-1", LOOPBACK, jitter=JitterConfig(initial_ms=20, min_ms=20))
    connect(alice, bob)
    listener.wait(lambda: bool(alice.statistics().playout_delay_ms) and bool(bob.statistics().playout_delay_ms))
    slow, fast = alice.statistics().playout_delay_ms, bob.statistics().playout_delay_ms
    assert slow is not None and fast is not None
    assert 115 <= slow <= 145
    assert fast <= 45


RECORDING = """
import sys, time
from pathlib import Path
from sipflow.media import MediaEngine, PromptStore
from tests.media.engine import LOOPBACK, PCMU, connect
engine = MediaEngine()
legs = [engine.open_leg(f"call-{n}", LOOPBACK) for n in range(2)]
connect(*legs)
legs[0].record(Path(sys.argv[1]), 1)
legs[0].play(PromptStore().tone(440, None, PCMU), 2)
print("recording", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("after_ms", [0, 130, 700, 1500])
def test_a_killed_recording_is_a_valid_file_that_lacks_at_most_a_second(tmp_path: Path, after_ms: int) -> None:
    path = tmp_path / "killed.wav"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", RECORDING, str(path)], stdout=subprocess.PIPE, env=environment, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "recording\n"
        began = time.monotonic()
        time.sleep(after_ms / 1000)
        lasted = time.monotonic() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    samples = read_wav(path)
    assert samples.shape[1] == 2
    assert len(samples) / 8000 >= lasted - 1
    assert after_ms < 700 or np.abs(samples[:, 0]).max() > 1000


@pytest.mark.skipif("SIPFLOW_SLOW" not in os.environ, reason="takes a minute; SIPFLOW_SLOW=1 runs it")
def test_a_minute_in_real_time_equals_the_prompt_sample_for_sample(
    engine: MediaEngine, listener: Listener, legs: tuple[Leg, Leg], tmp_path: Path
) -> None:
    alice, bob = legs
    connect(alice, bob)
    bob.record(tmp_path / "bob.wav", 7, channels="received")
    listener.wait_for(MediaFirstPacket, 2)
    alice.play(prompt_of(tmp_path, 60.0), 1)
    listener.wait_for(PlayFinished, seconds=65)
    let_it_be_heard(listener, alice)
    bob.close()
    listener.wait_for(RecordingFinished)
    assert position_in(round_trip(speech(60.0), "PCMU"), read_wav(tmp_path / "bob.wav")[:, 0].copy()) > 0
