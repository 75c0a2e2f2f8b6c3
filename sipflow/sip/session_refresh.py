"""What the session timer of a call does: refresh by UPDATE or re-INVITE, and BYE (RFC 4028 sections 7.4 and 10)."""

from __future__ import annotations

from functools import partial

from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.modification import Modification
from sipflow.sip.session_timer import SessionTimer


def session_timer_for(core: Core, call: Call) -> SessionTimer | None:
    """The timer of a call, not running yet; None when the agent wants none."""
    config = core.config.session_timer
    if config is None:
        return None
    return SessionTimer(config, core.timers, partial(_refresh, core, call), partial(_expire, call))


def _refresh(core: Core, call: Call, now: float) -> None:
    """UPDATE when the peer allows it, as it needs no offer, else re-INVITE with the session as it is. A modification
    that is under way refreshes, too."""
    if call.state is not CallState.ESTABLISHED or call.modification is not None:
        return
    if _allows_update(call):
        Modification(core, call, None, method="UPDATE", quiet=True).request(now)
    else:
        Modification(core, call, call.negotiation.media, quiet=True).request(now)


def _allows_update(call: Call) -> bool:
    message = call.latest_message
    return message is not None and "UPDATE" in message.headers.values("Allow")


def _expire(call: Call, now: float) -> None:
    if call.state is CallState.ESTABLISHED:
        call.hang_up(now, "timeout", "nobody refreshed the session")
