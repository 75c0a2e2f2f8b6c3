"""What no transaction would send: a response at any time, and text that is no message at all."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.events import Logged
from sipflow.sip.call import Call
from sipflow.sip.core import Core
from sipflow.sip.destinations import is_made_up, locate
from sipflow.sip.hop import Hop, NameQuery
from sipflow.sip.requests import HeaderFields, with_headers
from sipflow.sip.responses import with_tag, write_response


def respond(
    core: Core,
    call: Call,
    method: str,
    code: int,
    reason: str | None,
    headers: HeaderFields,
    content: tuple[bytes | None, str],
) -> None:
    """Send a response to the latest request of the call with this method, whatever was sent before; once, and nothing
    changes by it. A 2xx to the INVITE has the session description of the call unless `content` has a body."""
    request = call.received.get(method)
    if request is None:
        raise MisuseError(f"call {call.id} received no {method}")
    body, content_type = content
    if body is None:
        body = call.negotiation.local_description if method == "INVITE" and code // 100 == 2 else b""
    templates = core.templates_for(request.destination)
    lines = with_headers(templates.dialog_response + (f"Content-Type: {content_type}\r\n" if body else ""), headers)
    to = with_tag(request.to, call.dialog.local_tag)
    data = core.alter(write_response(code, reason or None, request.echo, to, lines, body))
    core.transmit(data, request.destination, call.id)


def send_raw(core: Core, data: bytes, call: Call | None, target: str, now: float) -> None:
    """Send bytes as they are, to the peer of a call or to a URI. Responses that belong to nothing are told from then
    on."""
    core.tells_strays = True
    next_hop, fallback = (target, None) if call is None else (call.dialog.next_hop, call.dialog.fallback)
    name = None if call is None else call.id
    where = locate(next_hop)
    if isinstance(where, NameQuery) and not is_made_up(where.host):

        def send(hops: tuple[Hop, ...], problem: str, _now: float) -> None:
            if hops or fallback:
                core.transmit(data, hops[0] if hops else fallback or hops[0], name)
            else:
                core.emit(Logged(f"send raw: {problem}", "error"))

        core.look_up(where, send)
    elif isinstance(where, Hop) or fallback is not None:
        core.transmit(data, where if isinstance(where, Hop) else fallback or Hop("", 0), name)
    else:
        raise MisuseError(f"{next_hop} leads nowhere: {where}")
