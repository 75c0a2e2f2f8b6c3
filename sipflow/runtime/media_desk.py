"""Legs of the native engine by call, and the files that they play and record."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import fields
from pathlib import Path
from typing import Any

from sipflow import events
from sipflow.errors import MachineError, MediaError, MisuseError, SipflowError
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.media import (
    Impairment,
    JitterConfig,
    KeptAudio,
    Leg,
    LegStatistics,
    MediaEngine,
    MediaLibrary,
    Prompt,
    PromptStore,
)
from sipflow.media.formats import codec_of, packet_time_ms
from sipflow.media.hearing import DEFAULT_SCORE, Features, FeatureStore, Wanted, search
from sipflow.media.pesq import Recorded, pesq_of
from sipflow.media.prompts import DIGIT_DBOV, TONE_DBOV
from sipflow.media_params import FRAME_FILES, DtlsParams, Fingerprint, MediaParams, RtpFormat
from sipflow.plan.listening import HISTORY_MS
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.call_media import CallMedia
from sipflow.runtime.handshakes import Handshakes
from sipflow.runtime.keys import fresh_security
from sipflow.runtime.output import OutputFolder
from sipflow.sdp.negotiate import LocalMedia

Feed = Callable[[str, Payload], None]
"""Takes (agent, payload)."""

KEPT_FRAMES = 40_000
"""Of the newest audio of a leg, where it is kept: five seconds of telephony, 160 kB."""
MOST_KEPT_LEGS = 256
"""Of how many legs at the same time it is kept: 40 MB."""


class MediaDesk:
    """Carries out the media commands of the flow. What they lead to is fed back as events."""

    def __init__(
        self, engine: MediaEngine, prompts: PromptStore, library: MediaLibrary, output: OutputFolder, feed: Feed
    ) -> None:
        self._engine = engine
        self._prompts = prompts
        self._library = library
        self._output = output
        self._feed = feed
        self._calls: dict[str, CallMedia] = {}
        """Until the flow forgets a call."""
        self._sharers: dict[Leg, int] = {}
        """How many dialogs use a leg."""
        self.keeps_audio = False
        """Whether legs that open from now on keep their last seconds (`kept`), the first `MOST_KEPT_LEGS` at a time."""
        self._keeping = 0
        self._features = FeatureStore()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes = Handshakes(lambda call, payload: feed(self.agent_of(call), payload))

    # --- legs ---

    def local_media(self, agent: AgentPlan, call: str, formats: tuple[RtpFormat, ...]) -> LocalMedia:
        """The local side of an offer or answer for `call`, its port pair opened when it has none yet.

        Raises `MachineError` when the range has no free pair.
        """
        media = self._calls.get(call)
        leg = None if media is None else media.leg
        if leg is None:
            leg = self._engine.open_leg(
                call,
                agent.host,
                agent.first_port,
                agent.last_port,
                jitter=_jitter_of(agent),
                listening=agent.listening,
                expected=formats[0],
                kept_frames=KEPT_FRAMES if self.keeps_audio and self._keeping < MOST_KEPT_LEGS else 0,
            )
            self._sharers[leg] = 1
            self._keeping += leg.kept_frames > 0
        if media is None:
            media = self._calls[call] = CallMedia(agent.name, formats, agent.listening.history_ms > HISTORY_MS)
        media.leg = leg
        if media.security is None:
            media.security = fresh_security(agent, self._fingerprint)
        return LocalMedia(
            leg.address,
            leg.port,
            media.formats,
            _ptime_ms(agent, media.formats),
            rtcp_mux=agent.spec.media.rtcp_mux,
            rtcp_reduced=agent.spec.media.rtcp_reduced,
            voip_metrics=agent.spec.media.voip_metrics,
            latching=agent.spec.media.latching,
            security=media.security,
        )

    def offer_others(self, call: str, formats: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
        """Formats that `call` has instead of its own as soon as the peer has taken them."""
        self._calls[call].offered = formats
        return formats

    def renew_keys(self, agent: AgentPlan, call: str) -> None:
        """Let the next offer of `call` have keys that were never used before."""
        self._calls[call].security = fresh_security(agent, self._fingerprint)

    def offer_taken(self, call: str) -> None:
        """The peer took our re-INVITE."""
        media = self._calls.get(call)
        if media is not None and media.offered:
            media.formats, media.offered = media.offered, ()

    def offer_refused(self, call: str) -> None:
        """The session stays as it was, and so does what the next offer says."""
        media = self._calls.get(call)
        if media is not None:
            media.offered = ()

    def share(self, call: str, new_call: str) -> None:
        """Let another dialog use the leg of `call`: recordings and plays go on when a call is transferred."""
        media = self._calls.get(call)
        if media is not None and media.leg is not None:
            self._calls[new_call] = media.shared()
            self._sharers[media.leg] += 1

    def negotiated(self, call: str, params: MediaParams) -> None:
        """Start the leg, or change it."""
        media = self._calls.get(call)
        if media is None or media.leg is None:
            return
        media.leg.call = call
        before, media.params = media.sent, params
        media.sent = (params.send_format, params.ptime_ms)
        if params.dtls is None:
            media.leg.start(params)
        else:
            self._start_by_handshake(media.leg, params, params.dtls)
        if before not in (None, media.sent) and media.playing is not None:
            self._spawn(self._swap(media, media.playing))
        recording = media.recording
        if recording is not None and (why := _why_no_recording(params, recording.path, recording.channels)):
            media.leg.spoil_record(recording.path, why)

    def _start_by_handshake(self, leg: Leg, params: MediaParams, dtls: DtlsParams) -> None:
        """The peer is to be known before the first datagram goes out, and nothing may be sent before there are keys."""
        place = (params.remote_address, params.remote_port)
        new = self._handshakes.is_new(leg, dtls, *place)
        if new:
            leg.await_keys(lambda: self._handshakes.arrived(leg))
        leg.start(params)
        if new:
            self._handshakes.begin(leg, dtls, *place)

    def _fingerprint(self) -> Fingerprint:
        return self._handshakes.identity.fingerprint

    def close(self, call: str) -> str:
        """Give the port pair back unless another dialog uses it; the statistics stay to be asked for.

        Gives why nothing that came was protected as it had to be; empty when something was, or nothing came.
        """
        media, leg = self._calls.get(call), self._leg(call)
        if media is None or leg is None:
            return ""
        media.leg = None
        self._sharers[leg] -= 1
        if self._sharers[leg]:
            return ""
        del self._sharers[leg]
        counted = media.final = leg.statistics()
        if media.whole_call:
            media.heard = leg.heard()
        if leg.kept_frames:
            self._keeping -= 1
            media.kept = leg.kept() if self.keeps_audio else None
        no_keys = self._handshakes.forget(leg, wanted=media.wanted, in_clear=counted.srtp_useless or 0)
        leg.close()
        self._feed(media.agent, events.MediaMeasured(call, _by_name(counted)))
        return no_keys or _unprotected(counted)

    def forget(self, command: commands.ForgetCall) -> None:
        """Drop what was kept of a call to be asked for."""
        self.close(command.call)
        self._calls.pop(command.call, None)

    def close_all(self) -> None:
        """Give everything back."""
        for call in self._calls:
            self.close(call)
        for task in self._tasks:
            task.cancel()

    def agent_of(self, call: str) -> str:
        """Which agent's leg it is."""
        media = self._calls.get(call)
        return "" if media is None else media.agent

    def statistics(self, call: str) -> LegStatistics | None:
        """What was counted on a leg, live or closed; None for a call that never had one."""
        media = self._calls.get(call)
        if media is None:
            return None
        return media.final if media.leg is None else media.leg.statistics()

    def kept(self, call: str) -> KeptAudio | None:
        """The last seconds of a call's audio, live or closed, until it is forgotten; None where none are kept."""
        media = self._calls.get(call)
        if media is None:
            return None
        return media.kept if media.leg is None else media.leg.kept()

    def _leg(self, call: str) -> Leg | None:
        """The leg of a call that has one now."""
        media = self._calls.get(call)
        return None if media is None else media.leg

    # --- commands ---

    def _want(self, call: str) -> CallMedia | None:
        """The call, of which the scenario has something to be sent, recorded or heard."""
        media = self._calls.get(call)
        if media is not None:
            media.wanted = True
        return media

    def play(self, command: commands.StartPlay) -> None:
        """Load the prompt without holding anything up, then play it."""
        self._want(command.call)
        self._spawn(self._play(command))

    async def _play(self, command: commands.StartPlay) -> None:
        try:
            media = self._calls.get(command.call)
            prompt = await self._load(media, command)
            if media is None or media.leg is None:
                raise MisuseError("the call ended before it began")
            media.leg.play(prompt, command.token, times=command.times, duration_ms=_whole(command.duration_ms))
            media.playing, media.playing_since = command, asyncio.get_running_loop().time()
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)
            return
        self._feed(command.agent, events.CommandDone(command.call, command.token))

    async def _swap(self, media: CallMedia, command: commands.StartPlay) -> None:
        """Go on with the same audio in the packets that the call sends now, if it still plays."""
        with contextlib.suppress(SipflowError):  # the call, or its play, has ended
            try:
                played_s = asyncio.get_running_loop().time() - media.playing_since
                prompt = await self._load(media, command, from_ms=1000 * played_s)
            except MediaError:  # nobody encodes for that codec: the play ends before its end
                _leg_that_plays(media, command).stop_play()
            else:
                _leg_that_plays(media, command).swap_prompt(prompt)

    async def _load(self, media: CallMedia | None, command: commands.StartPlay, from_ms: float = 0) -> Prompt:
        params = None if media is None else media.params
        if params is None:
            raise MisuseError("the call ended before it began")
        send_format, ptime_ms = params.send_format, params.ptime_ms
        loop = asyncio.get_running_loop()
        if command.digits:
            return await loop.run_in_executor(
                None,
                lambda: self._prompts.digits(
                    command.digits, send_format, ptime_ms=ptime_ms, level_dbov=DIGIT_DBOV - round(command.gain_db)
                ),
            )
        if not command.path:
            return await loop.run_in_executor(
                None,
                lambda: self._prompts.tone(
                    command.tone_hz,
                    _whole(command.duration_ms),
                    send_format,
                    ptime_ms=ptime_ms,
                    level_db=TONE_DBOV + command.gain_db,
                ),
            )
        path = self._library.require(command.path)
        return await loop.run_in_executor(
            None,
            lambda: self._prompts.load(
                path,
                send_format,
                ptime_ms=ptime_ms,
                start_ms=round(command.start_ms),
                gain_db=command.gain_db,
                from_ms=from_ms,
                for_ms=command.duration_ms,
            ),
        )

    def record(self, command: commands.StartRecord) -> None:
        """Open the file and record."""
        media = self._want(command.call)
        if media is None or media.leg is None:
            ended = media is not None and media.final is not None
            why = "the call has ended" if ended else "the call has no media leg yet"
            self._feed(command.agent, events.CommandFailed(command.call, command.token, why))
            return
        try:
            path = self._output.recording(command.path, command.agent, command.name)
            if media.params is not None and (why := _why_no_recording(media.params, path, command.channels)):
                raise MediaError(why)
            media.recording = Recorded(path, command.channels, media.side_channels)
            media.leg.record(
                path,
                command.token,
                channels=command.channels,
                side_channels=media.side_channels,
                duration_ms=_whole(command.duration_ms),
            )
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)
            return
        self._feed(command.agent, events.CommandDone(command.call, command.token, str(path)))

    def digit(self, digit: events.DtmfReceived, *, told: bool) -> None:
        """A digit came by any way; `told` is false when it is another way of one that was told."""
        leg = self._leg(digit.call)
        if leg is not None and told and digit.via == "info":
            leg.note_digit(digit.digit)
        elif leg is not None and not told and digit.via != "info":
            leg.forget_digit(digit.digit)

    def play_digits(self, command: commands.SendDigits) -> None:
        """Digits as tones in the audio, in place of what plays."""
        self._want(command.call)
        self._spawn(self._play_digits(command))

    async def _play_digits(self, command: commands.SendDigits) -> None:
        media = self._calls.get(command.call)
        try:
            send_format = None if media is None else media.send_format
            if media is None or send_format is None:
                raise MisuseError("the call has no media yet")
            prompt = await asyncio.get_running_loop().run_in_executor(
                None,
                lambda: self._prompts.digits(
                    command.digits, send_format, tone_ms=command.tone_ms, gap_ms=command.gap_ms
                ),
            )
            if media.leg is None:
                raise MisuseError("the call ended before it began")
            media.leg.play(prompt, command.token)
            media.playing = None
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def send_digits(self, command: commands.SendDigits) -> None:
        """Queue telephone events."""
        media = self._want(command.call)
        leg, params = (None, None) if media is None else (media.leg, media.params)
        if leg is None or params is None or params.dtmf_send_payload_type is None:
            why = (
                "the peer does not take telephone events (no telephone-event in its session description): "
                "`via inband` and `via info` need none"
            )
            self._feed(command.agent, events.CommandFailed(command.call, command.token, why))
            return
        try:
            leg.send_dtmf(command.digits, command.token, tone_ms=round(command.tone_ms), gap_ms=round(command.gap_ms))
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def listen(self, command: commands.Listen) -> None:
        """Load what is listened for without holding anything up, then listen."""
        self._want(command.call)
        self._spawn(self._listen(command))

    async def _listen(self, command: commands.Listen) -> None:
        try:
            features = await self._features_of(command.path) if command.kind == "prompt" else None
            leg = self._leg(command.call)
            if leg is None:
                raise MisuseError("the call has no media that could be listened to")
            leg.watch(_wanted(command), command.token, command.what, features=features, topic=_topic(command))
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def _pesq(self, command: commands.JudgeHeard) -> float:
        media = self._calls.get(command.call)
        if media is None or media.recording is None:
            raise MisuseError("PESQ judges a recording, and nothing of this call was recorded: `record` before it")
        return pesq_of(self._library.require(command.path), media.recording)

    async def _features_of(self, path: str) -> Features:
        found = self._library.require(path)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: self._features.load(found))

    def stop_listening(self, command: commands.StopListening) -> None:
        """Listen no more."""
        if (leg := self._leg(command.call)) is not None:
            leg.end_watch(command.token)

    def judge_heard(self, command: commands.JudgeHeard) -> None:
        """Look for a prompt in all that was heard, without holding anything up."""
        self._spawn(self._judge_heard(command))

    async def _judge_heard(self, command: commands.JudgeHeard) -> None:
        what = f'"{command.path}"'
        wanted = Wanted("prompt", score=DEFAULT_SCORE if command.score is None else command.score)
        try:
            features = await self._features_of(command.path)
            media = self._calls.get(command.call)
            heard = None if media is None else media.heard if media.leg is None else media.leg.heard()
            if heard is None or media is None:
                raise MisuseError("the call never had any media")
            if media.params is not None and media.params.unheard:
                raise MediaError(media.params.unheard)
            loop = asyncio.get_running_loop()
            found, measured = await loop.run_in_executor(None, search, wanted, features, heard, what)
            score = None if command.pesq is None else await loop.run_in_executor(None, self._pesq, command)
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)
            return
        finished = events.HearingFinished(command.call, command.token, what, **measured, found=found, pesq=score)
        self._feed(command.agent, finished)

    def stop_play(self, command: commands.StopPlay) -> None:
        """Stop what plays."""
        if (leg := self._leg(command.call)) is not None:
            leg.stop_play()

    def stop_record(self, command: commands.StopRecord) -> None:
        """Close the recording."""
        if (leg := self._leg(command.call)) is not None:
            leg.stop_record()

    def pause_record(self, command: commands.PauseRecord) -> None:
        """Leave out of the recording what comes, or take it in again."""
        if (leg := self._leg(command.call)) is not None:
            leg.pause_record(command.on)

    def mute(self, command: commands.MuteCall) -> None:
        """Send silence, or not."""
        if (leg := self._leg(command.call)) is not None:
            leg.mute(command.on)

    def impair(self, command: commands.ImpairCall) -> None:
        """Spoil what the leg sends."""
        wanted = Impairment(
            loss=command.loss,
            duplicate=command.duplicate,
            reorder=command.reorder,
            jitter_ms=command.jitter_ms,
            burst=command.burst,
            density=command.density or 1.0,
            delay_ms=command.delay_ms,
            corrupt=command.corrupt,
            skew_ppm=command.skew_ppm,
        )
        if (leg := self._leg(command.call)) is not None:
            leg.impair(None if wanted == Impairment() else wanted)

    def _refuse(self, agent: str, call: str, token: int, error: SipflowError) -> None:
        self._feed(agent, events.CommandFailed(call, token, str(error), environment=isinstance(error, MachineError)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_STATISTICS = tuple(field.name for field in fields(LegStatistics))


def _by_name(counted: LegStatistics) -> dict[str, Any]:
    """Numbers and texts only: nothing in it needs a deep copy."""
    return {name: getattr(counted, name) for name in _STATISTICS}


def _wanted(command: commands.Listen) -> Wanted:
    score = DEFAULT_SCORE if command.score is None else command.score
    return Wanted(command.kind, command.lasting_ms, command.frequencies, command.cadence_ms, score)


def _leg_that_plays(media: CallMedia, command: commands.StartPlay) -> Leg:
    if media.leg is None or media.playing is not command:
        raise MisuseError("it plays no more")
    return media.leg


def _ptime_ms(agent: AgentPlan, formats: tuple[RtpFormat, ...]) -> int:
    """The packet time that is asked for: frames of a codec that passes through may not fit the agent's."""
    first = formats[0]
    return packet_time_ms(codec_of(first), agent.ptime_ms) if first.passes_only else agent.ptime_ms


def _why_no_recording(params: MediaParams, path: Path, channels: str) -> str:
    """Why a recording would not hold what is sent and heard; empty when it does."""
    wanted = FRAME_FILES.get(path.suffix.lower(), "")
    if wanted:
        return _why_no_frames(params, wanted, path, channels)
    if params.unheard or not params.send_format.passes_only:
        return params.unheard
    return f"{params.send_format.name} only passes through: it is not decoded here, and there are no samples to record"


def _why_no_frames(params: MediaParams, wanted: str, path: Path, channels: str) -> str:
    if channels == "mono":
        return f"{path.name} holds frames, and those of both sides cannot be mixed"
    formats = (params.send_format,) if channels == "sent" else params.receive_formats
    if any(each.name.lower() == wanted.lower() for each in formats):
        return ""
    return f"{path.name} takes frames of {wanted}, and the call has {', '.join(each.name for each in formats)}"


def _topic(command: commands.Listen) -> int:
    """The same number for the same thing, never 0; 0 where what was heard before does not count."""
    return zlib.crc32(command.what.encode()) + 1 if command.look_back else 0


def _unprotected(counted: LegStatistics) -> str:
    if not counted.srtp_useless or counted.srtp is None:
        return ""  # without keys yet it is the handshake's to tell
    if counted.packets_received:
        return f"SRTP authentication failed for all {counted.srtp_useless} packets that came under the newest keys"
    return f"SRTP authentication failed for all {counted.srtp_failures} packets that the peer sent"


def _jitter_of(agent: AgentPlan) -> JitterConfig:
    default = JitterConfig()
    least = default.min_ms if agent.jitter_min_ms is None else agent.jitter_min_ms
    most = default.max_ms if agent.jitter_max_ms is None else agent.jitter_max_ms
    initial = min(max(default.initial_ms, least), most)
    return JitterConfig(adaptive=agent.jitter_adaptive, initial_ms=initial, min_ms=least, max_ms=most)


def _whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)
