"""The dialog that an INVITE with Replaces wants to take the place of (RFC 3891 section 3)."""

from __future__ import annotations

from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.dialog import DialogKey
from sipflow.sip.headers import HeaderError, Replaces
from sipflow.sip.message import Request


def find_replaced(core: Core, request: Request) -> tuple[Call | None, int]:
    """The call to be replaced and 0, or None and the status code that refuses the INVITE; None and 0 without header."""
    if "Replaces" not in request.headers:
        return None, 0
    values = request.headers.get_all("Replaces")
    try:
        replaces = Replaces.parse(values[0])
    except HeaderError:
        return None, 400
    if len(values) > 1:
        return None, 400
    key = replaces.call_id, replaces.to_tag, replaces.from_tag
    call = core.dialogs.get(key)
    if call is None:
        return None, 603 if _was_known(core, key) else 481
    code = _refusal(call, replaces)
    return (None, code) if code else (call, 0)


def _refusal(call: Call, replaces: Replaces) -> int:
    if not call.is_live:
        return 603
    if call.state in (CallState.ESTABLISHED, CallState.ANSWERED):
        return 486 if replaces.early_only else 0
    # An early dialog can be replaced only by who started it: then the new INVITE picks up what rings elsewhere.
    return 0 if call.caller else 481


def _was_known(core: Core, key: DialogKey) -> bool:
    return any(call.dialog.key == key for call in core.ended.values())
