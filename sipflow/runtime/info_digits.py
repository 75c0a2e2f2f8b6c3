"""Digits by INFO: one goes out when the one before was answered and its gap is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sipflow import events
from sipflow.errors import SipflowError
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.media.prompts import PAUSE_MS
from sipflow.runtime.digits import RELAY, info_body
from sipflow.sip.user_agent import UserAgent


@dataclass(slots=True)
class Sending:
    """A `send dtmf via info` under way."""

    user_agent: UserAgent
    command: commands.SendDigits
    waiting: deque[str] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(self.command.digits)


class InfoDigits:
    """Every `send dtmf via info` of a run."""

    def __init__(
        self,
        now: Callable[[], float],
        tell: Callable[[str, Payload], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        """`now` is seconds since the run started; `tell` puts an event of an agent behind those that wait; `later`
        calls after so many seconds, and lets all machines be drained then."""
        self._now = now
        self._tell = tell
        self._later = later
        self._asked: dict[tuple[str, int], Sending] = {}
        """Digits whose INFO is not answered yet, by agent and number of the request."""

    def begin(self, user_agent: UserAgent, command: commands.SendDigits) -> None:
        """Send the first digit; the others follow by themselves."""
        self._next(Sending(user_agent, command))

    def answered(self, agent: str, response: events.ResponseReceived) -> bool:
        """Whether the response answers a digit; then the next one goes out after the gap, or the peer takes no INFO."""
        sending = self._asked.pop((agent, response.request), None)
        if sending is None:
            return False
        if 200 <= response.code < 300:
            self._later(sending.command.gap_ms / 1000, lambda: self._next(sending))
        else:
            self._fail(sending, f"the peer takes no digits by INFO: {response.code} {response.reason}")
        return True

    def _next(self, sending: Sending) -> None:
        """The next digit; when there is none, all are out."""
        digit = sending.waiting.popleft() if sending.waiting else ""
        if digit == ",":
            self._later(PAUSE_MS / 1000, lambda: self._next(sending))
        elif digit:
            self._send(sending, digit)
        else:
            done = sending.command
            self._tell(done.agent, events.DtmfSent(done.call, done.token, done.digits, completed=True))

    def _send(self, sending: Sending, digit: str) -> None:
        command = sending.command
        body = info_body(digit, command.tone_ms).encode()
        try:
            number = sending.user_agent.request(
                "INFO", self._now(), call=command.call, target=None, headers=(), body=body, content_type=RELAY
            )
        except SipflowError as error:
            self._fail(sending, str(error))
        else:
            self._asked[command.agent, number] = sending
            self._tell(command.agent, events.DigitSent(command.call, digit, round(command.tone_ms), "info"))

    def _fail(self, sending: Sending, why: str) -> None:
        command = sending.command
        self._tell(command.agent, events.CommandFailed(command.call, command.token, why))
