"""What a user wants in an INVITE that begins a call, and who it is from and for (RFC 3261 section 8.1.1)."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.config import Identity
from sipflow.sip.core import Core
from sipflow.sip.dialog import Dialog
from sipflow.sip.headers import HeaderError, name_addr_tag
from sipflow.sip.requests import one_line, split_identity
from sipflow.values import dataclass


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the user wants in the INVITE."""

    target: str
    media: LocalMedia
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    """In place of the offer; empty bytes leave the offer to the callee."""
    content_type: str | None = None
    replaces: str = ""
    referred_by: str = ""
    identity: Identity | None = None
    """Who calls; None: the user agent's own user."""


def dialog_to_be(core: Core, invitation: Invitation) -> Dialog:
    """Identity of the INVITE: From, To and Call-ID may be chosen by the user, the tag is ours unless From has one."""
    given, _ = split_identity(invitation.headers)
    tag = core.ids.tag()
    if "From" in given:
        local, tag = _own_from(given["From"], tag)
    elif invitation.identity is not None:
        local = f"<{one_line(invitation.identity.uri, 'From')}>;tag={tag}"
    else:
        local = f"{core.templates.local};tag={tag}"
    call_id = given.get("Call-ID") or core.ids.call_id()
    dialog = Dialog(call_id, local, tag, given.get("To") or f"<{invitation.target}>", "")
    dialog.remote_target = invitation.target
    return dialog


def _own_from(value: str, tag: str) -> tuple[str, str]:
    """From as the user wants it, and its tag: ours unless it has one."""
    try:
        own_tag = name_addr_tag(value)
    except HeaderError as error:
        raise MisuseError(f"From cannot be used: {error}") from None
    return (value, own_tag) if own_tag else (f"{value};tag={tag}", tag)
