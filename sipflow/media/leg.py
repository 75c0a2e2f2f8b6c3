"""One call's media as Python sees it: commands go down, nothing comes back but events of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sipflow.errors import MediaError, MisuseError
from sipflow.media.formats import codec_of, find_codec, packet_time_ms
from sipflow.media.hearing import Features, Wanted, create_watch
from sipflow.media.prompts import PAUSE_MS, Prompt
from sipflow.media.srtp import srtp_library
from sipflow.media.statistics import Heard, LegStatistics, leg_statistics
from sipflow.media_params import FRAME_FILES, MediaParams, RtpFormat, SrtpKeys
from sipflow.native import check, ffi, lib

DEFAULT_PTIME_MS = 20
MAX_DIGITS = 128
_MAX_DATAGRAM = 2048
_MAX_HEARD_FRAMES = 600_000 // lib.SFM_EAR_FRAME_MS + 1
"""Ten minutes."""
CHANNELS = {"stereo": 0, "mono": 1, "sent": 2, "received": 3}


@dataclass(frozen=True, slots=True)
class JitterConfig:
    """How long received packets wait for those that are late."""

    adaptive: bool = True
    """False: the delay stays `initial_ms`, whatever the network does."""
    initial_ms: float = 40
    min_ms: float = 20
    max_ms: float = 200
    """At most 5000."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a leg does to the packets it sends, on purpose. Shares are 0-1 of the packets."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """Packets that the next one overtakes."""
    jitter_ms: float = 0.0
    """Delay of each packet on top of `delay_ms`, evenly from 0 to this, 0-500; packets keep their order."""
    burst: float = 0.0
    """Mean number of packets that a burst of loss is long, at least 1 (Gilbert and Elliott); 0: each on its own."""
    density: float = 1.0
    """Share of the packets lost within a burst; more than `loss`."""
    delay_ms: float = 0.0
    """Delay of every packet, 0-2000."""
    corrupt: float = 0.0
    """Packets with one wrong bit in the payload."""
    skew_ppm: float = 0.0
    """How fast the whole leg's clock runs, -10,000 to 10,000."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command that owes an event: who gave it, and what the event has to repeat."""

    leg: Leg
    token: int
    text: str = ""
    """Digits of a `send_dtmf`, path of a `record`, what is listened for."""
    topic: int = 0
    """Of a watch."""
    prompt: Prompt | None = None
    """What is played."""


@dataclass(frozen=True, slots=True)
class KeptAudio:
    """The last seconds of a leg, as they were sent and heard."""

    sample_rate: int
    frames: bytes
    """16 bit of the machine's order, left what was sent, right what was heard."""


class Owner(Protocol):
    """What a leg needs of its engine."""

    def begin(self, job: Job, command: Callable[[int], int]) -> int:
        """Runs a native command that owes an event, with a new job number; returns its code."""

    def call(self, command: Callable[[], int]) -> int:
        """Runs a native command under the engine's lock; returns its code."""


def _native_format(rtp_format: RtpFormat) -> dict[str, Any]:
    return {"codec": codec_of(rtp_format), "payload_type": rtp_format.payload_type}


def _heard_formats(params: MediaParams) -> list[dict[str, Any]]:
    known = [rtp_format for rtp_format in params.receive_formats if find_codec(rtp_format) is not None]
    return [_native_format(rtp_format) for rtp_format in known[: lib.SFM_LEG_MAX_FORMATS]]


def _payload_type(payload_type: int | None) -> int:
    return -1 if payload_type is None else payload_type


def _sent_ptime_ms(params: MediaParams) -> int:
    return packet_time_ms(codec_of(params.send_format), params.ptime_ms)


def _native_params(params: MediaParams) -> Any:
    # An address of zeros is how RFC 2543 put a call on hold: there is nowhere to send to.
    reachable = params.remote_port != 0 and params.remote_address not in ("0.0.0.0", "::")
    formats = _heard_formats(params)
    return ffi.new(
        "sfm_leg_params *",
        {
            "send_format": _native_format(params.send_format),
            "receive_formats": formats,
            "receive_format_count": len(formats),
            "dtmf_send_payload_type": _payload_type(params.dtmf_send_payload_type),
            "dtmf_receive_payload_type": _payload_type(params.dtmf_receive_payload_type),
            "dtmf_send_clock_rate": params.dtmf_send_clock_rate,
            "dtmf_receive_clock_rate": params.dtmf_receive_clock_rate,
            "noise_send_payload_type": params.noise_send_payload_type or 0,
            "noise_receive_payload_type": params.noise_receive_payload_type or 0,
            "ptime_ms": _sent_ptime_ms(params),
            "latches": params.latching,
            "rtcp_xr": params.voip_metrics,
            "rtcp_reduced": params.rtcp_reduced,
            "sends": params.direction.sends and reachable,
            "receives": params.direction.receives and params.remote_port != 0,
        },
    )


def _per_million(share: float, name: str) -> int:
    if not 0 <= share <= 1:
        raise MisuseError(f"{name} is a share from 0 to 1, not {share}")
    return round(share * 1_000_000)


def _native_impairment(impairment: Impairment | None) -> Any:
    if impairment is None:
        return ffi.NULL
    if not 0 <= impairment.jitter_ms <= 500:
        raise MisuseError(f"jitter on purpose is 0 to 500 ms, not {impairment.jitter_ms}")
    if not 0 <= impairment.delay_ms <= 2000:
        raise MisuseError(f"delay on purpose is 0 to 2000 ms, not {impairment.delay_ms}")
    if abs(impairment.skew_ppm) > 10_000:
        raise MisuseError(f"a clock is up to 10,000 ppm fast or slow, not {impairment.skew_ppm}")
    return ffi.new(
        "sfm_impair_config *",
        {
            "loss_per_million": _per_million(impairment.loss, "loss"),
            "duplicate_per_million": _per_million(impairment.duplicate, "duplicate"),
            "reorder_per_million": _per_million(impairment.reorder, "reorder"),
            "corrupt_per_million": _per_million(impairment.corrupt, "corrupt"),
            "burst_thousandths": round(impairment.burst * 1000),
            "density_per_million": _per_million(impairment.density, "density"),
            "delay_ns": round(impairment.delay_ms * 1e6),
            "jitter_ns": round(impairment.jitter_ms * 1e6),
            "skew_ppb": round(impairment.skew_ppm * 1000),
        },
    )


def _nobody() -> None:
    """Nobody waits for a handshake."""


class Leg:
    """A port pair with a stream in each direction. Made by `MediaEngine.open_leg`; all methods return at once.

    Every `play`, `record` and `send_dtmf` is answered by exactly one event with its token, whatever becomes of it.
    """

    def __init__(self, owner: Owner, native: Any, call: str, address: str, kept_frames: int = 0) -> None:
        self.call = call
        """Call id in the leg's events; may be set anew when a transferred call keeps its leg."""
        self.address = address
        self.port: int = lib.sfm_engine_leg_port(native)
        self.rtcp_port = self.port + 1
        self.digits_received = ""
        self.kept_frames = kept_frames
        """How many of the newest frames of audio `kept` can give."""
        self._owner = owner
        self._native: Any = native
        self._params: MediaParams | None = None
        self._keys: SrtpKeys | None = None
        self._watches: dict[int, int] = {}
        """Token of the command to number of the native job."""
        self._play_job = 0
        self._recording: Path | None = None
        """The file that is being recorded."""
        self._spoiled: dict[str, str] = {}
        """Why recordings have failed that are not yet told of, by their paths."""
        self.handshake_arrived: Callable[[], None] = _nobody
        """Called by the engine when DTLS datagrams have come."""
        self._closing = False
        self._last: Any = None
        """The native numbers once the native leg is gone."""

    def start(self, params: MediaParams) -> None:
        """Starts to send and receive, or changes how (a re-INVITE): peer, codec, payload types, packet time, direction.

        What is sent goes on in sequence number and timestamp, unless the codec's RTP clock is another: then it goes on
        as a new stream (RFC 7160). What came before from the peer's address is heard.

        Raises MediaError when there is no such codec or the address is not numeric, MachineError when it takes SRTP and
        there is no library for it.
        """
        native = _native_params(params)
        address = ffi.new("char[]", params.remote_address.encode())
        remote = ffi.new("sfm_leg_remote *", (address, params.remote_port, params.remote_rtcp_port))
        if params.dtls is None:
            self.secure(params.srtp)
        self._command(lambda: lib.sfm_engine_leg_start(self._open(), native, remote), "start media")
        self._params = params

    def await_keys(self, arrived: Callable[[], None]) -> None:
        """Sends nothing and keeps what comes until `secure` gives keys; `arrived` is called when `handshake` has some.

        The call comes from the thread that drains the engine.
        """
        check(self._owner.call(lambda: lib.sfm_engine_leg_open_inbox(self._open())), "wait for a handshake")
        pending = srtp_library().create_pending()
        self._command(lambda: lib.sfm_engine_leg_secure(self._open(), pending), "wait for keys")
        self._keys, self.handshake_arrived = None, arrived

    def handshake(self) -> list[bytes]:
        """DTLS datagrams of the peer that came since the last look, oldest first."""
        memory, found = ffi.new("uint8_t[]", _MAX_DATAGRAM), []
        while not self._closing:
            length = self._owner.call(lambda: lib.sfm_engine_leg_read_inbox(self._native, memory, _MAX_DATAGRAM))
            if length == 0:
                break
            found.append(bytes(ffi.buffer(memory, length)))
        return found

    def send_handshake(self, datagram: bytes) -> None:
        """Sends a DTLS datagram to the peer, from where RTP is sent."""
        self._command(lambda: lib.sfm_engine_leg_send(self._open(), datagram, len(datagram)), "send a handshake")

    def secure(self, keys: SrtpKeys | None) -> None:
        """Protects by these keys from the next packet on, and takes only what is protected so; None: plain RTP.

        What is under way under former keys is still taken, until a second after the first packet under the new ones.
        """
        if keys == self._keys:
            return
        native = ffi.NULL if keys is None else srtp_library().create_keys(keys, self._keys)
        self._command(lambda: lib.sfm_engine_leg_secure(self._open(), native), "set keys")
        self._keys = keys

    def play(self, prompt: Prompt, token: int, *, times: int | None = 1, duration_ms: float | None = None) -> None:
        """Plays a prompt `times` times (None: for ever), at most `duration_ms`; PlayFinished comes at its end.

        Replaces what plays, which finishes uncompleted. Before `start` it waits for it. While the leg may not send, is
        muted or sends digits, the time of the prompt goes on.
        """
        if (times is not None and times < 1) or (duration_ms is not None and duration_ms < 1):
            raise MisuseError("a play is at least once and at least 1 ms long")
        repeats = 0 if times is None or prompt.endless else times

        def play(job: int) -> int:
            self._play_job = job
            code: int = lib.sfm_engine_leg_play(self._open(), prompt.native, job, repeats, round(duration_ms or 0))
            return code

        self._begin(Job(self, token, prompt=prompt), play, "play")

    def swap_prompt(self, prompt: Prompt) -> None:
        """Goes on with the same audio, encoded for another format, at the same moment: after `start` changed the
        codec. Until then what cannot be transcoded at once is silent while its time goes on. Nothing happens when
        nothing plays any more."""
        self._command(
            lambda: lib.sfm_engine_leg_swap_prompt(self._open(), prompt.native, self._play_job), "go on playing"
        )

    def stop_play(self) -> None:
        """Ends what plays, if anything does."""
        self._command(lambda: lib.sfm_engine_leg_stop_play(self._open()), "stop play")

    def record(
        self,
        path: Path,
        token: int,
        *,
        channels: str = "stereo",
        side_channels: int = 1,
        duration_ms: float | None = None,
    ) -> None:
        """Records to a WAV file (16 bit), at most `duration_ms`; RecordingFinished comes when the file is closed.

        A file of encoded frames by its name (`.gsm`) takes the frames of such a codec as they come, lost ones left out
        (of AMR: as NO_DATA), or with "sent" as they are sent.

        `channels`: "stereo" (both sides: what is sent, then what is heard, on one time line), "mono" (both mixed),
        "sent", "received". With two `side_channels` each side is left and right, so both are four channels. Begins at
        once, before `start` too, and goes on over holds. Folders above the file are made; a file of that name is
        replaced. A recording that runs already ends.

        Raises MediaError when the file cannot be written.
        """
        if channels not in CHANNELS:
            raise MisuseError(f"channels are {', '.join(CHANNELS)}, not {channels}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        text, encoded = ffi.new("char[]", bytes(path)), FRAME_FILES.get(path.suffix.lower(), "")
        codec = ffi.new("char[]", encoded.encode()) if encoded else ffi.NULL
        fields = (text, CHANNELS[channels], round(duration_ms or 0), 0, side_channels, codec)
        options = ffi.new("sfm_record_options *", fields)
        self._recording = path
        self._begin(
            Job(self, token, str(path)),
            lambda job: lib.sfm_engine_leg_record(self._open(), job, options),
            f"record to {path}",
        )

    def pause_record(self, on: bool) -> None:
        """Leaves out of the recording what is sent and heard from now on; off: takes it in again, without a gap."""
        self._command(lambda: lib.sfm_engine_leg_pause_record(self._open(), on), "pause record")

    def spoil_record(self, path: Path, why: str) -> None:
        """Ends the recording to `path`, if it still runs, which has failed because of `why`."""
        if path == self._recording:
            self._spoiled[str(path)] = why
            self.stop_record()

    def record_over(self, path: str) -> str:
        """Called by the engine with RecordingFinished; why it has failed, if that is known here."""
        if str(self._recording) == path:
            self._recording = None
        return self._spoiled.pop(path, "")

    def stop_record(self) -> None:
        """Ends the recording, if one runs."""
        self._command(lambda: lib.sfm_engine_leg_stop_record(self._open()), "stop record")

    def send_dtmf(self, digits: str, token: int, *, tone_ms: float = 100, gap_ms: float = 100) -> None:
        """Sends 1 to 128 digits 0-9 * # A-D as telephone-events (RFC 4733); `,` is a pause of 500 ms.

        DtmfSent comes after the last gap. Digits commanded while others are being sent wait for them.

        Raises MediaError when the peer takes no telephone-events, MisuseError for anything that is not a digit.
        """
        if self._params is None or self._params.dtmf_send_payload_type is None:
            raise MediaError("the peer did not negotiate telephone-event: digits cannot be sent by RFC 4733")
        if not 1 <= len(digits) <= MAX_DIGITS:
            raise MisuseError(f"1 to {MAX_DIGITS} digits can be sent at once, not {len(digits)}")
        text = ffi.new("char[]", digits.encode())
        sequence = ffi.new("sfm_dtmf_sequence *", (text, round(tone_ms), round(gap_ms), PAUSE_MS, 0))
        self._begin(
            Job(self, token, digits),
            lambda job: lib.sfm_engine_leg_send_dtmf(self._open(), job, sequence),
            f"send dtmf {digits!r}",
        )

    def watch(self, wanted: Wanted, token: int, what: str, *, features: Features | None = None, topic: int = 0) -> None:
        """Listens; HearingFinished comes when it was heard, or when nobody listens any more.

        With a `topic` other than 0 what was heard before counts, too, as far back as the leg remembers, unless it has
        satisfied a watch of that topic; without one only what comes counts. `features`: of a prompt.

        Raises MisuseError when the leg was opened without an ear, MediaError for a prompt nothing can be recognised by.
        """
        native = create_watch(wanted, features, what)

        def command(job: int) -> int:
            self._watches[token] = job
            code: int = lib.sfm_engine_leg_watch(self._open(), job, native, topic, topic != 0)
            return code

        self._begin(Job(self, token, what, topic), command, f"listen for {what}")

    def end_watch(self, token: int) -> None:
        """Listens no more for what the command with this token asked for; HearingFinished comes if it did not yet."""
        job = self._watches.get(token)
        if job is not None and not self._closing:
            self._command(lambda: lib.sfm_engine_leg_end_watch(self._open(), job), "end listening")

    def watch_over(self, token: int) -> None:
        """Called by the engine with HearingFinished."""
        self._watches.pop(token, None)

    def heard(self) -> Features:
        """What the leg remembers of what it heard, oldest first; after `close` nothing."""
        frames = ffi.new("sfm_ear_frame[]", _MAX_HEARD_FRAMES)
        count = 0
        if not self._closing:
            count = self._owner.call(
                lambda: int(lib.sfm_engine_leg_read_heard(self._native, frames, _MAX_HEARD_FRAMES))
            )
        return Features(frames, count)

    def note_digit(self, digit: str) -> None:
        """A digit that came by another way than this leg."""
        self.digits_received += digit

    def forget_digit(self, digit: str) -> None:
        """The digit that came last was another way of one that had come."""
        before, _, after = self.digits_received.rpartition(digit)
        self.digits_received = before + after

    def mute(self, on: bool) -> None:
        """Sends silence instead of audio; digits are sent all the same."""
        self._command(lambda: lib.sfm_engine_leg_mute(self._open(), on), "mute")

    def impair(self, impairment: Impairment | None) -> None:
        """Damages what is sent from now on; None ends that."""
        native = _native_impairment(impairment)
        self._command(lambda: lib.sfm_engine_leg_impair(self._open(), native), "impair")

    def kept(self) -> KeptAudio | None:
        """The newest audio of both directions until now; None when the leg keeps or had none, or nobody decodes it."""
        passes = self._params is not None and self._params.send_format.passes_only
        if not self.kept_frames or self._native is None or passes:
            return None
        frames = ffi.new("int16_t[]", 2 * self.kept_frames)
        rate = ffi.new("uint32_t *")
        count = self._owner.call(
            lambda: lib.sfm_engine_leg_read_kept(self._native, frames, self.kept_frames, rate) or 0
        )
        return KeptAudio(rate[0], bytes(ffi.buffer(frames, 4 * count))) if count else None

    def statistics(self) -> LegStatistics:
        """What was measured until now; after `close`, what was measured until then."""
        native = self._read() if self._last is None else self._last
        return leg_statistics(
            native,
            codec=None if self._params is None else self._params.send_format.name,
            heard=self._heard(native.media),
            ptime_ms=None if self._params is None else _sent_ptime_ms(self._params),
            digits=self.digits_received,
            clock_rate=8000 if self._params is None else self._params.send_format.clock_rate,
            srtp=None if self._keys is None else self._keys.suite,
        )

    def _read(self) -> Any:
        native = ffi.new("sfm_engine_leg_statistics *")
        self._owner.call(lambda: lib.sfm_engine_leg_read_statistics(self._native, native) or 0)
        return native

    def _heard(self, media: Any) -> Heard:
        """What the payload type of the newest packet stands for, and how long the packets are."""
        formats = () if self._params is None else self._params.receive_formats
        ptime_ms = DEFAULT_PTIME_MS if self._params is None else _sent_ptime_ms(self._params)
        if media.packet_ns > 0:
            ptime_ms = round(media.packet_ns / 1e6)
        for rtp_format in formats:
            if rtp_format.payload_type == media.payload_type:
                return Heard(rtp_format.name, int(codec_of(rtp_format).sample_rate), ptime_ms)
        return Heard(None, 0, ptime_ms)

    def close(self) -> None:
        """Ends everything, says RTCP BYE and gives the ports back. Plays, digits and recordings still get their events.

        Closing again does nothing.
        """
        if not self._closing:
            self._closing = True
            self._owner.call(lambda: lib.sfm_engine_leg_close(self._native))

    def closed(self) -> None:
        """Called by the engine when the native leg has reported its end: the last numbers stay, the memory goes."""
        if self._native is not None:
            self._closing = True
            self._last = self._read()  # as it is: most legs are never asked again
            lib.sfm_engine_leg_free(self._native)
            self._native = None

    def _open(self) -> Any:
        if self._closing:
            raise MisuseError(f"the media of call {self.call} is closed")
        return self._native

    def _command(self, command: Callable[[], int], doing: str) -> None:
        check(self._owner.call(command), doing)

    def _begin(self, job: Job, command: Callable[[int], int], doing: str) -> None:
        check(self._owner.begin(job, command), doing)
