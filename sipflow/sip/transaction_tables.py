"""The four transaction state machines as tables (RFC 3261 section 17 as corrected by RFC 6026).

A row is (state, input) → (next state, actions), one row per arrow of the RFC's figures. An input for which a state
has no row changes nothing. Leaving a state stops every timer for which the next state has no row, so the tables say
only when timers start. `transaction.py` runs the tables; the diagrams in docs/sip.md are drawn from them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from sipflow.values import dataclass


class State(enum.StrEnum):
    """States of the figures; INITIAL is the dot from which the first arrow starts."""

    INITIAL = "[*]"
    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Input(enum.StrEnum):
    """What can happen to a transaction."""

    START = "start"
    REQUEST = "request"
    """Server: the request again (a retransmission)."""
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    """A client receives these three, a server is told by its user to send them."""
    TRANSPORT_ERROR = "Transport Err."
    TIMER_100 = "200 ms passed"
    TIMER_A = "Timer A"
    TIMER_B = "Timer B"
    TIMER_D = "Timer D"
    TIMER_E = "Timer E"
    TIMER_F = "Timer F"
    TIMER_G = "Timer G"
    TIMER_H = "Timer H"
    TIMER_I = "Timer I"
    TIMER_J = "Timer J"
    TIMER_K = "Timer K"
    TIMER_L = "Timer L"
    TIMER_M = "Timer M"


class Action(enum.StrEnum):
    """What a transaction does on its way into the next state."""

    SEND_REQUEST = "send request"
    RESEND_REQUEST = "send request again"
    SEND_ACK = "send ACK"
    PASS_RESPONSE = "response to TU"
    PASS_ACK = "ACK to TU"
    SEND_RESPONSE = "send response"
    RESEND_RESPONSE = "send response again"
    SEND_TRYING = "send 100"
    STOP_100 = "stop 200 ms"
    INFORM_TIMEOUT = "time-out to TU"
    INFORM_TRANSPORT = "inform TU"
    INFORM_CONFIRMED = "tell TU"
    START_100 = "start 200 ms"
    START_A = "start A"
    START_B = "start B"
    START_D = "start D"
    START_E = "start E"
    START_F = "start F"
    START_G = "start G"
    START_H = "start H"
    START_I = "start I"
    START_J = "start J"
    START_K = "start K"
    START_L = "start L"
    START_M = "start M"
    BACK_OFF_A = "reset A to twice"
    BACK_OFF_E = "reset E to min(twice, T2)"
    RESET_E = "reset E to T2"
    BACK_OFF_G = "reset G to min(twice, T2)"
    SHRINK = "forget request and TU"
    """Ours, not the RFC's: what only absorbs retransmissions from here on keeps no more than that takes."""


Row = tuple[State, Input, State, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """One state machine."""

    title: str
    rows: tuple[Row, ...]

    def states(self) -> list[State]:
        """States in the order in which the rows name them."""
        return list(dict.fromkeys([row[0] for row in self.rows] + [row[2] for row in self.rows]))

    def inputs(self) -> list[Input]:
        """Inputs in the order in which the rows name them."""
        return list(dict.fromkeys(row[1] for row in self.rows))

    def lookup(self) -> Mapping[tuple[State, Input], tuple[State, tuple[Action, ...]]]:
        """Rows by what they start from; a pair is never there twice."""
        found = {(row[0], row[1]): (row[2], row[3]) for row in self.rows}
        assert len(found) == len(self.rows), f"{self.title}: two rows for one (state, input)"
        return found

    def mermaid(self) -> str:
        """The machine as a Mermaid state diagram."""
        return "\n".join(["stateDiagram-v2", *(_arrow(*row) for row in self.rows)])


def _arrow(state: State, happening: Input, following: State, actions: Iterable[Action]) -> str:
    label = happening.value.replace(":", "")
    done = ", ".join(action.value for action in actions)
    target = "[*]" if following is State.TERMINATED else following.value
    return f"    {state.value} --> {target} : {label}" + (f" / {done}" if done else "")


_S, _I, _A = State, Input, Action

INVITE_CLIENT = Table(
    "INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 8.4)",
    (
        (_S.INITIAL, _I.START, _S.CALLING, (_A.SEND_REQUEST, _A.START_A, _A.START_B)),
        (_S.CALLING, _I.TIMER_A, _S.CALLING, (_A.RESEND_REQUEST, _A.BACK_OFF_A)),
        (_S.CALLING, _I.TIMER_B, _S.TERMINATED, (_A.INFORM_TIMEOUT,)),
        (_S.CALLING, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.CALLING, _I.PROVISIONAL, _S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.CALLING, _I.SUCCESS, _S.ACCEPTED, (_A.START_M, _A.PASS_RESPONSE)),
        (_S.CALLING, _I.FAILURE, _S.COMPLETED, (_A.SEND_ACK, _A.PASS_RESPONSE, _A.START_D, _A.SHRINK)),
        (_S.PROCEEDING, _I.PROVISIONAL, _S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.PROCEEDING, _I.SUCCESS, _S.ACCEPTED, (_A.START_M, _A.PASS_RESPONSE)),
        (_S.PROCEEDING, _I.FAILURE, _S.COMPLETED, (_A.SEND_ACK, _A.PASS_RESPONSE, _A.START_D, _A.SHRINK)),
        (_S.COMPLETED, _I.FAILURE, _S.COMPLETED, (_A.RESEND_REQUEST,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.COMPLETED, _I.TIMER_D, _S.TERMINATED, ()),
        (_S.ACCEPTED, _I.SUCCESS, _S.ACCEPTED, (_A.PASS_RESPONSE,)),
        (_S.ACCEPTED, _I.TIMER_M, _S.TERMINATED, ()),
    ),
)
"""In Completed the request that is sent again is the ACK, which took the INVITE's place."""

NON_INVITE_CLIENT = Table(
    "non-INVITE client transaction (RFC 3261 section 17.1.2)",
    (
        (_S.INITIAL, _I.START, _S.TRYING, (_A.SEND_REQUEST, _A.START_E, _A.START_F)),
        (_S.TRYING, _I.TIMER_E, _S.TRYING, (_A.RESEND_REQUEST, _A.BACK_OFF_E)),
        (_S.TRYING, _I.TIMER_F, _S.TERMINATED, (_A.INFORM_TIMEOUT,)),
        (_S.TRYING, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.TRYING, _I.PROVISIONAL, _S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.TRYING, _I.SUCCESS, _S.COMPLETED, (_A.PASS_RESPONSE, _A.START_K, _A.SHRINK)),
        (_S.TRYING, _I.FAILURE, _S.COMPLETED, (_A.PASS_RESPONSE, _A.START_K, _A.SHRINK)),
        (_S.PROCEEDING, _I.TIMER_E, _S.PROCEEDING, (_A.RESEND_REQUEST, _A.RESET_E)),
        (_S.PROCEEDING, _I.TIMER_F, _S.TERMINATED, (_A.INFORM_TIMEOUT,)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.PROCEEDING, _I.PROVISIONAL, _S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.PROCEEDING, _I.SUCCESS, _S.COMPLETED, (_A.PASS_RESPONSE, _A.START_K, _A.SHRINK)),
        (_S.PROCEEDING, _I.FAILURE, _S.COMPLETED, (_A.PASS_RESPONSE, _A.START_K, _A.SHRINK)),
        (_S.COMPLETED, _I.TIMER_K, _S.TERMINATED, ()),
    ),
)

INVITE_SERVER = Table(
    "INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 8.5)",
    (
        (_S.INITIAL, _I.START, _S.PROCEEDING, (_A.START_100,)),
        (_S.PROCEEDING, _I.REQUEST, _S.PROCEEDING, (_A.RESEND_RESPONSE,)),
        (_S.PROCEEDING, _I.TIMER_100, _S.PROCEEDING, (_A.SEND_TRYING,)),
        (_S.PROCEEDING, _I.PROVISIONAL, _S.PROCEEDING, (_A.STOP_100, _A.SEND_RESPONSE)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR, _S.PROCEEDING, (_A.INFORM_TRANSPORT,)),
        (_S.PROCEEDING, _I.SUCCESS, _S.ACCEPTED, (_A.SEND_RESPONSE, _A.START_L)),
        (_S.PROCEEDING, _I.FAILURE, _S.COMPLETED, (_A.SEND_RESPONSE, _A.START_G, _A.START_H)),
        (_S.ACCEPTED, _I.REQUEST, _S.ACCEPTED, ()),
        (_S.ACCEPTED, _I.SUCCESS, _S.ACCEPTED, (_A.RESEND_RESPONSE,)),
        (_S.ACCEPTED, _I.ACK, _S.ACCEPTED, (_A.PASS_ACK,)),
        (_S.ACCEPTED, _I.TRANSPORT_ERROR, _S.ACCEPTED, (_A.INFORM_TRANSPORT,)),
        (_S.ACCEPTED, _I.TIMER_L, _S.TERMINATED, ()),
        (_S.COMPLETED, _I.REQUEST, _S.COMPLETED, (_A.RESEND_RESPONSE,)),
        (_S.COMPLETED, _I.TIMER_G, _S.COMPLETED, (_A.RESEND_RESPONSE, _A.BACK_OFF_G)),
        (_S.COMPLETED, _I.TIMER_H, _S.TERMINATED, (_A.INFORM_TIMEOUT,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR, _S.COMPLETED, (_A.INFORM_TRANSPORT,)),
        (_S.COMPLETED, _I.ACK, _S.CONFIRMED, (_A.INFORM_CONFIRMED, _A.START_I, _A.SHRINK)),
        (_S.CONFIRMED, _I.ACK, _S.CONFIRMED, ()),
        (_S.CONFIRMED, _I.TIMER_I, _S.TERMINATED, ()),
    ),
)
"""The TU repeats a 2xx until its ACK comes (section 13.3.1.4), so Accepted has a 2xx arrow and no timer for it."""

NON_INVITE_SERVER = Table(
    "non-INVITE server transaction (RFC 3261 section 17.2.2)",
    (
        (_S.INITIAL, _I.START, _S.TRYING, ()),
        (_S.TRYING, _I.REQUEST, _S.TRYING, ()),
        (_S.TRYING, _I.PROVISIONAL, _S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.TRYING, _I.SUCCESS, _S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J, _A.SHRINK)),
        (_S.TRYING, _I.FAILURE, _S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J, _A.SHRINK)),
        (_S.PROCEEDING, _I.REQUEST, _S.PROCEEDING, (_A.RESEND_RESPONSE,)),
        (_S.PROCEEDING, _I.PROVISIONAL, _S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.PROCEEDING, _I.SUCCESS, _S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J, _A.SHRINK)),
        (_S.PROCEEDING, _I.FAILURE, _S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J, _A.SHRINK)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.COMPLETED, _I.REQUEST, _S.COMPLETED, (_A.RESEND_RESPONSE,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR, _S.TERMINATED, (_A.INFORM_TRANSPORT,)),
        (_S.COMPLETED, _I.TIMER_J, _S.TERMINATED, ()),
    ),
)

TABLES = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)
