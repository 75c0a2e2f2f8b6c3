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
from sipflow.errors import MachineError, MisuseError, SipflowError
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.media import Impairment, JitterConfig, Leg, LegStatistics, MediaEngine, MediaLibrary, Prompt, PromptStore
from sipflow.media.hearing import DEFAULT_SCORE, Features, FeatureStore, Wanted, search
from sipflow.media.pesq import pesq_of
from sipflow.media_params import DtlsParams, Fingerprint, MediaParams, RtpFormat
from sipflow.plan.listening import HISTORY_MS
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.handshakes import Handshakes
from sipflow.runtime.keys import fresh_security
from sipflow.runtime.output import OutputFolder
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sdp.security import Security

Feed = Callable[[str, Payload], None]
"""Takes (agent, payload)."""


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
        self._legs: dict[str, Leg] = {}
        self._params: dict[str, MediaParams] = {}
        self._formats: dict[str, tuple[RtpFormat, ...]] = {}
        self._offered: dict[str, tuple[RtpFormat, ...]] = {}
        """Formats of a re-INVITE whose answer has not come."""
        self._security: dict[str, Security] = {}
        self._final: dict[str, LegStatistics] = {}
        self._agents: dict[str, str] = {}
        self._playing: dict[str, commands.StartPlay] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sharers: dict[Leg, int] = {}
        """How many dialogs use a leg."""
        self._features = FeatureStore()
        self._whole_call: dict[str, bool] = {}
        """Calls in all of which a prompt may be looked for."""
        self._recordings: dict[str, tuple[Path, str]] = {}
        """The newest file of each call, and what is on its channels."""
        self._heard: dict[str, Features] = {}
        """What such calls had heard when they ended."""
        self._handshakes = Handshakes(lambda call, payload: feed(self.agent_of(call), payload))

    # --- legs ---

    def local_media(self, agent: AgentPlan, call: str, formats: tuple[RtpFormat, ...]) -> LocalMedia:
        """The local side of an offer or answer for `call`, its port pair opened when it has none yet.

        Raises `MachineError` when the range has no free pair.
        """
        leg = self._legs.get(call)
        if leg is None:
            leg = self._engine.open_leg(
                call,
                agent.host,
                agent.first_port,
                agent.last_port,
                jitter=_jitter_of(agent),
                listening=agent.listening,
                expected=formats[0],
            )
            self._legs[call] = leg
            self._sharers[leg] = 1
        self._agents[call] = agent.name
        self._whole_call[call] = agent.listening.history_ms > HISTORY_MS
        self._formats.setdefault(call, formats)
        if call not in self._security:
            self._security[call] = fresh_security(agent, self._fingerprint)
        return LocalMedia(
            leg.address,
            leg.port,
            self._formats[call],
            agent.ptime_ms,
            rtcp_mux=agent.spec.media.rtcp_mux,
            security=self._security[call],
        )

    def offer_others(self, call: str, formats: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
        """Formats that `call` has instead of its own as soon as the peer has taken them."""
        self._offered[call] = formats
        return formats

    def renew_keys(self, agent: AgentPlan, call: str) -> None:
        """Let the next offer of `call` have keys that were never used before."""
        self._security[call] = fresh_security(agent, self._fingerprint)

    def offer_taken(self, call: str) -> None:
        """The peer took our re-INVITE."""
        if call in self._formats:
            self._formats[call] = self._offered.pop(call, self._formats[call])

    def offer_refused(self, call: str) -> None:
        """The session stays as it was, and so does what the next offer says."""
        self._offered.pop(call, None)

    def share(self, call: str, new_call: str) -> None:
        """Let another dialog use the leg of `call`: recordings and plays go on when a call is transferred."""
        if call in self._legs:
            self._legs[new_call] = leg = self._legs[call]
            self._sharers[leg] += 1
            self._agents[new_call] = self._agents[call]
            self._formats[new_call] = self._formats[call]
            self._whole_call[new_call] = self._whole_call[call]

    def negotiated(self, call: str, params: MediaParams) -> None:
        """Start the leg, or change it."""
        leg = self._legs.get(call)
        if leg is None:
            return
        leg.call = call
        before, self._params[call] = self._params.get(call), params
        if params.dtls is None:
            leg.start(params)
        else:
            self._start_by_handshake(leg, params, params.dtls)
        if before is not None and before.send_format != params.send_format and call in self._playing:
            self._spawn(self._swap(self._playing[call]))

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
        leg = self._legs.pop(call, None)
        if leg is None:
            return ""
        self._sharers[leg] -= 1
        if self._sharers[leg]:
            return ""
        del self._sharers[leg]
        counted = self._final[call] = leg.statistics()
        if self._whole_call.get(call):
            self._heard[call] = leg.heard()
        no_keys = self._handshakes.forget(leg)
        leg.close()
        self._feed(self._agents[call], events.MediaMeasured(call, _by_name(counted)))
        return no_keys or _unprotected(counted)

    def forget(self, command: commands.ForgetCall) -> None:
        """Drop what was kept of a call to be asked for."""
        self.close(command.call)
        for kept in (
            self._params,
            self._formats,
            self._offered,
            self._final,
            self._agents,
            self._security,
            self._playing,
            self._whole_call,
            self._heard,
            self._recordings,
        ):
            kept.pop(command.call, None)

    def close_all(self) -> None:
        """Give everything back."""
        for call in list(self._legs):
            self.close(call)
        for task in self._tasks:
            task.cancel()

    def agent_of(self, call: str) -> str:
        """Which agent's leg it is."""
        return self._agents.get(call, "")

    def statistics(self, call: str) -> LegStatistics | None:
        """What was counted on a leg, live or closed; None for a call that never had one."""
        leg = self._legs.get(call)
        return self._final.get(call) if leg is None else leg.statistics()

    # --- commands ---

    def play(self, command: commands.StartPlay) -> None:
        """Load the prompt without holding anything up, then play it."""
        self._spawn(self._play(command))

    async def _play(self, command: commands.StartPlay) -> None:
        try:
            prompt = await self._load(command)
            leg, now_format = self._legs.get(command.call), self._send_format(command.call)
            if leg is None or now_format is None:
                raise MisuseError("the call ended before it began")
            leg.play(prompt, command.token, times=command.times, duration_ms=_whole(command.duration_ms))
            self._playing[command.call] = command
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)
            return
        self._feed(command.agent, events.CommandDone(command.call, command.token))

    async def _swap(self, command: commands.StartPlay) -> None:
        """Go on with the same audio in the call's new format, if it still plays."""
        with contextlib.suppress(SipflowError):  # the call, or its play, has ended; the file was played already
            prompt = await self._load(command)
            if command.call in self._legs and self._playing.get(command.call) is command:
                self._legs[command.call].swap_prompt(prompt)

    async def _load(self, command: commands.StartPlay) -> Prompt:
        params = self._params.get(command.call)
        if params is None:
            raise MisuseError("the call ended before it began")
        send_format, ptime_ms = params.send_format, params.ptime_ms
        loop = asyncio.get_running_loop()
        if command.digits:
            return await loop.run_in_executor(
                None, lambda: self._prompts.digits(command.digits, send_format, ptime_ms=ptime_ms)
            )
        if not command.path:
            return await loop.run_in_executor(
                None,
                lambda: self._prompts.tone(
                    command.tone_hz, _whole(command.duration_ms), send_format, ptime_ms=ptime_ms
                ),
            )
        path = self._library.require(command.path)
        return await loop.run_in_executor(
            None,
            lambda: self._prompts.load(
                path, send_format, ptime_ms=ptime_ms, start_ms=round(command.start_ms), gain_db=command.gain_db
            ),
        )

    def _send_format(self, call: str) -> RtpFormat | None:
        params = self._params.get(call)
        return None if params is None else params.send_format

    def record(self, command: commands.StartRecord) -> None:
        """Open the file and record."""
        leg = self._legs.get(command.call)
        if leg is None:
            self._feed(
                command.agent, events.CommandFailed(command.call, command.token, "the call has no media leg yet")
            )  # fmt: skip
            return
        try:
            path = self._output.recording(command.path, command.agent, command.name)
            self._recordings[command.call] = path, command.channels
            leg.record(path, command.token, channels=command.channels, duration_ms=_whole(command.duration_ms))
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)
            return
        self._feed(command.agent, events.CommandDone(command.call, command.token, str(path)))

    def digit(self, digit: events.DtmfReceived, *, told: bool) -> None:
        """A digit came by any way; `told` is false when it is another way of one that was told."""
        leg = self._legs.get(digit.call)
        if leg is not None and told and digit.via == "info":
            leg.note_digit(digit.digit)
        elif leg is not None and not told and digit.via != "info":
            leg.forget_digit(digit.digit)

    def play_digits(self, command: commands.SendDigits) -> None:
        """Digits as tones in the audio, in place of what plays."""
        self._spawn(self._play_digits(command))

    async def _play_digits(self, command: commands.SendDigits) -> None:
        send_format = self._send_format(command.call)
        try:
            if send_format is None:
                raise MisuseError("the call has no media yet")
            prompt = await asyncio.get_running_loop().run_in_executor(
                None,
                lambda: self._prompts.digits(
                    command.digits, send_format, tone_ms=command.tone_ms, gap_ms=command.gap_ms
                ),
            )
            leg = self._legs.get(command.call)
            if leg is None:
                raise MisuseError("the call ended before it began")
            leg.play(prompt, command.token)
            self._playing.pop(command.call, None)
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def send_digits(self, command: commands.SendDigits) -> None:
        """Queue telephone events."""
        leg, params = self._legs.get(command.call), self._params.get(command.call)
        if leg is None or params is None or params.dtmf_send_payload_type is None:
            why = "the peer does not take telephone events (no telephone-event in its session description)"
            self._feed(command.agent, events.CommandFailed(command.call, command.token, why))
            return
        try:
            leg.send_dtmf(command.digits, command.token, tone_ms=round(command.tone_ms), gap_ms=round(command.gap_ms))
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def listen(self, command: commands.Listen) -> None:
        """Load what is listened for without holding anything up, then listen."""
        self._spawn(self._listen(command))

    async def _listen(self, command: commands.Listen) -> None:
        try:
            features = await self._features_of(command.path) if command.kind == "prompt" else None
            leg = self._legs.get(command.call)
            if leg is None:
                raise MisuseError("the call has no media that could be listened to")
            leg.watch(_wanted(command), command.token, command.what, features=features, topic=_topic(command))
        except SipflowError as error:
            self._refuse(command.agent, command.call, command.token, error)

    def _pesq(self, command: commands.JudgeHeard) -> float:
        if command.call not in self._recordings:
            raise MisuseError("PESQ judges a recording, and nothing of this call was recorded: `record` before it")
        return pesq_of(self._library.require(command.path), *self._recordings[command.call])

    async def _features_of(self, path: str) -> Features:
        found = self._library.require(path)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: self._features.load(found))

    def stop_listening(self, command: commands.StopListening) -> None:
        """Listen no more."""
        if command.call in self._legs:
            self._legs[command.call].end_watch(command.token)

    def judge_heard(self, command: commands.JudgeHeard) -> None:
        """Look for a prompt in all that was heard, without holding anything up."""
        self._spawn(self._judge_heard(command))

    async def _judge_heard(self, command: commands.JudgeHeard) -> None:
        leg, what = self._legs.get(command.call), f'"{command.path}"'
        wanted = Wanted("prompt", score=DEFAULT_SCORE if command.score is None else command.score)
        try:
            features = await self._features_of(command.path)
            heard = self._heard.get(command.call) if leg is None else leg.heard()
            if heard is None:
                raise MisuseError("the call never had any media")
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
        if command.call in self._legs:
            self._legs[command.call].stop_play()

    def stop_record(self, command: commands.StopRecord) -> None:
        """Close the recording."""
        if command.call in self._legs:
            self._legs[command.call].stop_record()

    def pause_record(self, command: commands.PauseRecord) -> None:
        """Leave out of the recording what comes, or take it in again."""
        if command.call in self._legs:
            self._legs[command.call].pause_record(command.on)

    def mute(self, command: commands.MuteCall) -> None:
        """Send silence, or not."""
        if command.call in self._legs:
            self._legs[command.call].mute(command.on)

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
        if command.call in self._legs:
            self._legs[command.call].impair(None if wanted == Impairment() else wanted)

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


def _topic(command: commands.Listen) -> int:
    """The same number for the same thing, never 0; 0 where what was heard before does not count."""
    return zlib.crc32(command.what.encode()) + 1 if command.look_back else 0


def _unprotected(counted: LegStatistics) -> str:
    if not counted.srtp_useless:
        return ""
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
