"""Commands going down: each one told to the user agent or to the media desk that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from sipflow import events
from sipflow.errors import MachineError, MisuseError, SipflowError
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.agents import identity_of
from sipflow.runtime.info_digits import InfoDigits
from sipflow.runtime.local_agent import LocalAgent
from sipflow.runtime.measurements import media_measurements
from sipflow.runtime.media_desk import MediaDesk
from sipflow.sip.config import Identity
from sipflow.sip.edits import Edit


class Orders:
    """Carries out what the flow wants done. Nothing is raised: what cannot be done is an event of the agent."""

    def __init__(
        self,
        agents: Mapping[str, LocalAgent],
        desk: MediaDesk,
        by_info: InfoDigits,
        now: Callable[[], float],
        tell: Callable[[str, Payload], None],
    ) -> None:
        """`now` is seconds since the run started; `tell` puts an event of an agent behind those that wait."""
        self._agents = agents
        self._desk = desk
        self._by_info = by_info
        self._now = now
        self._tell = tell
        self._tokens: dict[tuple[str, int], int] = {}
        """The command that waits for the response to a request, by agent and number of the request."""
        self._table = self._verbs()

    def carry_out(self, command: commands.Command) -> None:
        """Do it."""
        self._table[type(command)](command)

    def token(self, agent: str, number: int) -> int:
        """The token of the command that sent this request; 0 when the agent sent it by itself. Told once."""
        return self._tokens.pop((agent, number), 0)

    def _verbs(self) -> dict[type[commands.Command], Callable[[Any], None]]:
        desk = self._desk
        return {
            commands.PlaceCall: self._place_call,
            commands.RingCall: self._ring_call,
            commands.ProgressCall: self._progress_call,
            commands.AnswerCall: self._answer_call,
            commands.RejectCall: self._reject_call,
            commands.RedirectCall: self._redirect_call,
            commands.ReleaseCall: self._release_call,
            commands.ModifyCall: self._modify_call,
            commands.TransferCall: self._transfer_call,
            commands.FollowTransfer: self._follow_transfer,
            commands.TakeOver: self._take_over,
            commands.SendSipRequest: self._send_request,
            commands.RespondCall: self._respond_call,
            commands.SendRawText: self._send_raw_text,
            commands.RegisterAgent: self._register_agent,
            commands.UnregisterAgent: self._unregister_agent,
            commands.StartPlay: desk.play,
            commands.StopPlay: desk.stop_play,
            commands.StartRecord: desk.record,
            commands.StopRecord: desk.stop_record,
            commands.PauseRecord: desk.pause_record,
            commands.SendDigits: self._send_digits,
            commands.MuteCall: desk.mute,
            commands.ImpairCall: desk.impair,
            commands.ForgetCall: desk.forget,
            commands.Listen: desk.listen,
            commands.StopListening: desk.stop_listening,
            commands.JudgeHeard: desk.judge_heard,
            commands.Measure: self._measure,
        }

    def _place_call(self, command: commands.PlaceCall) -> None:
        """INVITE."""
        agent = self._agents[command.agent]
        try:
            media = self._desk.local_media(agent.plan, command.call, command.formats)
            target = self._target(command)
            with self._editing(command):
                agent.user_agent.invite(
                    command.call,
                    target,
                    media,
                    self._now(),
                    headers=command.message.headers,
                    body=_body(command.message),
                    content_type=command.message.content_type,
                    identity=self._identity(agent, command.caller),
                )
        except SipflowError as error:
            self._never_was(command.agent, command.call, error)

    def _identity(self, agent: LocalAgent, caller: AgentPlan | None) -> Identity | None:
        """Who calls, where that is not the agent as it was opened."""
        opened = agent.plan
        if caller is None or (caller.user, caller.uri, caller.auth) == (opened.user, opened.uri, opened.auth):
            return None
        return identity_of(caller, agent.user_agent.config)

    def _answer_call(self, command: commands.AnswerCall) -> None:
        """200."""
        agent = self._agents[command.agent]
        self._guarded(
            command,
            lambda: agent.user_agent.answer(
                command.call,
                self._desk.local_media(agent.plan, command.call, command.formats),
                self._now(),
                headers=command.message.headers,
            ),
        )

    def _progress_call(self, command: commands.ProgressCall) -> None:
        """183."""
        agent = self._agents[command.agent]
        self._guarded(
            command,
            lambda: agent.user_agent.progress(
                command.call,
                self._desk.local_media(agent.plan, command.call, agent.plan.formats),
                self._now(),
                headers=command.message.headers,
            ),
        )

    def _ring_call(self, command: commands.RingCall) -> None:
        """180."""
        agent = self._agents[command.agent].user_agent
        self._done_or_failed(command, lambda: agent.ring(command.call, self._now(), headers=command.message.headers))

    def _reject_call(self, command: commands.RejectCall) -> None:
        """Final response."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._guarded(
            command, lambda: agent.reject(command.call, command.code, command.reason, self._now(), headers=headers)
        )

    def _redirect_call(self, command: commands.RedirectCall) -> None:
        """302."""
        agent = self._agents[command.agent].user_agent
        contact = self._target(command)
        headers = command.message.headers
        self._guarded(command, lambda: agent.redirect(command.call, (contact,), self._now(), headers))

    def _release_call(self, command: commands.ReleaseCall) -> None:
        """BYE, CANCEL, rejection."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._guarded(command, lambda: agent.release(command.call, self._now(), headers))

    def _modify_call(self, command: commands.ModifyCall) -> None:
        """re-INVITE."""
        agent = self._agents[command.agent]
        if command.fresh_keys:
            self._desk.renew_keys(agent.plan, command.call)
        media = self._desk.local_media(agent.plan, command.call, agent.plan.formats)
        if command.formats:
            media = replace(media, formats=self._desk.offer_others(command.call, command.formats))
        by_address = agent.plan.hold_style == "address"
        held = replace(media, direction=command.direction, hold_by_address=by_address)
        headers = command.message.headers
        self._guarded(command, lambda: agent.user_agent.modify(command.call, held, self._now(), headers))

    def _transfer_call(self, command: commands.TransferCall) -> None:
        """REFER."""
        agent, now, other = self._agents[command.agent].user_agent, self._now(), command.other
        headers = command.message.headers
        if other is not None:
            self._guarded(command, lambda: agent.refer_replacing(command.call, other, now, headers))
        else:
            target = self._target(command)
            self._guarded(command, lambda: agent.refer(command.call, target, now, headers))

    def _follow_transfer(self, command: commands.FollowTransfer) -> None:
        """INVITE to the target of a REFER, with the leg of the call that is transferred."""
        agent = self._agents[command.agent]
        self._desk.share(command.call, command.new_call)
        media = self._desk.local_media(agent.plan, command.new_call, agent.plan.formats)
        try:
            agent.user_agent.follow_transfer(command.call, command.new_call, media, self._now())
        except SipflowError as error:
            self._never_was(command.agent, command.new_call, error)

    def _take_over(self, command: commands.TakeOver) -> None:
        """200 to an INVITE with Replaces."""
        agent = self._agents[command.agent]
        self._desk.share(command.call, command.new_call)
        media = self._desk.local_media(agent.plan, command.new_call, agent.plan.formats)
        self._guarded(command, lambda: agent.user_agent.answer(command.new_call, media, self._now()))

    def _send_request(self, command: commands.SendSipRequest) -> None:
        """A request of the user's own."""
        agent, message = self._agents[command.agent].user_agent, command.message
        self._numbered(
            command,
            lambda: agent.request(
                command.method,
                self._now(),
                call=command.call,
                target=None if command.call else self._target(command),
                headers=message.headers,
                body=_body(message) or b"",
                content_type=message.content_type,
            ),
        )

    def _respond_call(self, command: commands.RespondCall) -> None:
        """A response out of turn."""
        agent, message = self._agents[command.agent].user_agent, command.message
        self._done_or_failed(
            command,
            lambda: agent.respond(
                command.call,
                command.code,
                command.reason,
                self._now(),
                method=command.method,
                headers=message.headers,
                body=message.body,
                content_type=message.content_type,
            ),
        )

    def _send_digits(self, command: commands.SendDigits) -> None:
        """By the way that the statement or its agent has."""
        agent = self._agents[command.agent]
        via = command.via or agent.plan.spec.dtmf
        if via == "inband":
            self._desk.play_digits(command)
        elif via == "rfc4733":
            self._desk.send_digits(command)
        else:
            self._by_info.begin(agent.user_agent, command)

    def _send_raw_text(self, command: commands.SendRawText) -> None:
        """No message at all, perhaps."""
        agent = self._agents[command.agent].user_agent
        target = self._target(command) if command.target else ""
        data = _wire_text(command.text)
        self._done_or_failed(command, lambda: agent.send_raw(data, self._now(), call=command.call, target=target))

    def _register_agent(self, command: commands.RegisterAgent) -> None:
        """REGISTER, and keep it so."""
        agent, headers = self._agents[command.agent], command.message.headers
        expires_s = agent.plan.register_s if command.expires_s is None else command.expires_s
        seconds = None if expires_s is None else round(expires_s)
        self._numbered(
            command,
            lambda: agent.user_agent.register(
                self._now(), expires_s=seconds, contacts=command.contacts, headers=headers
            ),
        )

    def _unregister_agent(self, command: commands.UnregisterAgent) -> None:
        """REGISTER that takes it back."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._numbered(command, lambda: agent.unregister(self._now(), everything=command.all, headers=headers))

    def _numbered(self, command: Any, send: Callable[[], int]) -> None:
        """Send what the agent gives a number, under which the answer comes; that of the flow is the command's token."""
        try:
            with self._editing(command):
                self._tokens[command.agent, send()] = command.token
        except SipflowError as error:
            self._tell(command.agent, events.CommandFailed("", command.token, str(error)))

    def _measure(self, command: commands.Measure) -> None:
        """What was counted until now."""
        session = self._agents[command.agent].user_agent.session(command.call)
        counted = self._desk.statistics(command.call)
        self._tell(
            command.agent,
            events.CallMeasured(
                command.call,
                command.token,
                {} if counted is None else media_measurements(counted),
                {} if session is None else session.for_checks(self._now()),
                () if session is None else session.headers,
            ),
        )

    def _never_was(self, agent: str, call: str, error: SipflowError) -> None:
        """A call that could not even be sent ends as every call does: rejected, then released."""
        self._desk.close(call)
        environment = isinstance(error, MachineError)
        self._tell(agent, events.CallRejected(call, 503, str(error), local=True, environment=environment))
        self._tell(agent, events.CallReleased(call, 503))

    def _guarded(self, command: Any, act: Callable[[], object]) -> None:
        """A command that comes too late for its call is an event, not an exception."""
        try:
            with self._editing(command):
                act()
        except MisuseError as error:
            self._fail(command, str(error), environment=False)
        except SipflowError as error:
            self._fail(command, str(error), environment=True)

    def _done_or_failed(self, command: Any, act: Callable[[], None]) -> None:
        """A command that is over once it is carried out."""

        def act_and_tell() -> None:
            act()
            self._tell(command.agent, events.CommandDone(command.call or "", command.token))

        self._guarded(command, act_and_tell)

    def _editing(self, command: Any) -> AbstractContextManager[None]:
        """What the command sends has the faults that the scenario wants."""
        message: commands.Message | None = getattr(command, "message", None)
        edits = () if message is None else tuple(Edit(one.kind, one.name, one.value) for one in message.edits)
        return self._agents[command.agent].user_agent.editing(edits)

    def _fail(self, command: Any, reason: str, *, environment: bool) -> None:
        failed = events.CommandFailed(command.call or "", getattr(command, "token", 0), reason, environment)
        self._tell(command.agent, failed)

    def _target(self, command: Any) -> str:
        target: str = command.target
        if command.local:
            return self._agents[target].reached_by(self._agents[command.agent])
        return target if target.partition(":")[0] in ("sip", "sips", "tel") else f"sip:{target}"


def _wire_text(text: str) -> bytes:
    """Lines end as SIP's do, however the file writes them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _body(message: commands.Message) -> bytes | None:
    """The body of a message; empty where an INVITE leaves the offer to the callee."""
    if any(edit.kind == "late_offer" for edit in message.edits):
        return b""
    return None if message.body is None else message.body.encode()
