"""Subscriptions to events outside of calls: SUBSCRIBE and NOTIFY in both roles, any event package (RFC 6665).

What a NOTIFY says, and when one is sent, is the user's affair; a subscription knows its dialog, its event and its end.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable

from sipflow.events import RequestReceived
from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.dialog import Dialog, dialog_of_request, dialog_of_response
from sipflow.sip.exchange import Exchange, Lines, Outgoing
from sipflow.sip.headers import HeaderError, SubscriptionState
from sipflow.sip.hop import Hop
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.requests import HeaderFields, Templates
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ClientUser, ServerTransaction

USUAL_EXPIRES_S = 3600
"""How long a subscription lasts when nobody says it."""

SubscriptionKey = tuple[str, str]
"""Call-ID and local tag. The remote tag is left out: a NOTIFY may come before the 2xx that tells it."""


class Role(enum.Enum):
    """Which end of a subscription this is."""

    SUBSCRIBER = "subscriber"
    NOTIFIER = "notifier"


def event_of(message: Message) -> str:
    """The event package that a message is about, with its template, in lower case; empty without Event header."""
    return (message.headers.get("Event") or "").partition(";")[0].strip().lower()


def expires_of(message: Message) -> int:
    """Seconds in the Expires header of a SUBSCRIBE or its answer."""
    value = (message.headers.get("Expires") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else USUAL_EXPIRES_S


class Subscription:
    """One subscription, from its SUBSCRIBE to the NOTIFY that terminates it, or to its time."""

    __slots__ = ("_core", "_expiry", "dialog", "event", "expires_at", "key", "party", "role")

    def __init__(self, core: Core, role: Role, key: SubscriptionKey, event: str, party: str) -> None:
        self._core = core
        self._expiry: Timer | None = None
        self.role = role
        self.key = key
        self.event = event
        """Value of its Event header, parameters included."""
        self.party = party
        """URI of the other side, as the user names it."""
        self.dialog: Dialog | None = None
        """None until the notifier was heard."""
        self.expires_at = 0.0
        core.subscriptions[key] = self

    def last_until(self, expires_at: float) -> None:
        """Set or move its end."""
        self._core.timers.cancel(self._expiry)
        self.expires_at = expires_at
        self._expiry = self._core.timers.start(expires_at, self._expire)

    def over(self) -> None:
        """Nothing comes or goes in it any more."""
        self._core.timers.cancel(self._expiry)
        self._core.subscriptions.pop(self.key, None)

    def is_with(self, target: str) -> bool:
        """Whether `target` names the other side."""
        dialog = self.dialog
        known = (self.party, "" if dialog is None else dialog.remote_target)
        return _address(target) in [_address(uri) for uri in known]

    def _expire(self, _argument: object, now: float) -> None:
        if self.role is Role.NOTIFIER:
            self.terminate("timeout", now)
        else:
            self.over()

    def leave(self, now: float) -> None:
        """End it from our side: a notifier says so, a subscriber listens no more."""
        if self.role is Role.NOTIFIER:
            self.terminate("noresource", now)
        else:
            self.over()

    def terminate(self, reason: str, now: float) -> None:
        """As the notifier: say that it is over (section 4.2.2)."""
        self.over()
        assert self.dialog is not None, "a notifier has a dialog from the start"
        state = f"Event: {self.event}\r\nSubscription-State: terminated;reason={reason}\r\n"

        def lines(templates: Templates) -> str:
            return templates.dialog_request + state

        self._core.send_in_dialog("NOTIFY", self.dialog, INDIFFERENT, None, now, lines)


def find(core: Core, role: Role, target: str, headers: HeaderFields) -> Subscription | None:
    """The subscription that a SUBSCRIBE or NOTIFY of the user to `target` belongs to. Without an Event among `headers`
    any will do."""
    event = next((_package(value) for name, value in headers if name.lower() in ("event", "o")), "")
    for subscription in core.subscriptions.values():
        fits = not event or event == _package(subscription.event)
        if fits and subscription.role is role and subscription.dialog is not None and subscription.is_with(target):
            return subscription
    return None


# --- as the subscriber ---


class Subscribing:
    """A SUBSCRIBE of ours, the first or a later one; its user hears the response, too."""

    __slots__ = ("_asked_s", "_subscription", "_timer_n", "_user")

    def __init__(self, core: Core, subscription: Subscription, user: ClientUser, asked_s: int) -> None:
        self._timer_n = core.config.timers.timeout
        self._subscription = subscription
        self._user = user
        self._asked_s = asked_s

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A 2xx makes the dialog, or sets its end; any other final response ends a subscription that never was."""
        code, subscription = response.status_code, self._subscription
        if 200 <= code < 300:
            _enter(subscription, dialog_of_response(response, subscription.party), transaction.destination)
            granted = min(expires_of(response), self._asked_s) if self._asked_s else 0
            # Not at once when it is over: the NOTIFY that says so is still to come (timer N, section 4.1.2.4).
            subscription.last_until(now + (granted or self._timer_n))
        elif code >= 300 and (subscription.dialog is None or code == 481):
            subscription.over()
        self._user.response_received(transaction, response, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody answered."""
        if self._subscription.dialog is None or code == 408:
            self._subscription.over()
        self._user.request_failed(transaction, code, reason, now)


def subscribe(
    core: Core, user: ClientUser, target: str, headers: HeaderFields, lines: Lines, body: bytes, now: float
) -> None:
    """Send a SUBSCRIBE: in the dialog of the same subscription if there is one, else the first of a new one."""
    headers = tuple(headers)
    given = {name.lower(): value for name, value in headers}
    asked = given.get("expires", "").strip()
    asked_s = int(asked) if asked.isascii() and asked.isdigit() else USUAL_EXPIRES_S
    expires = "" if "expires" in given else f"Expires: {USUAL_EXPIRES_S}\r\n"
    subscription = find(core, Role.SUBSCRIBER, target, headers)
    if subscription is not None and subscription.dialog is not None:
        event = "" if given.keys() & {"event", "o"} else f"Event: {subscription.event}\r\n"
        again = Subscribing(core, subscription, user, asked_s)
        core.send_in_dialog("SUBSCRIBE", subscription.dialog, again, None, now, _with(lines, f"{event}{expires}"), body)
        return
    tag, call_id = core.ids.tag(), core.ids.call_id()
    subscription = Subscription(core, Role.SUBSCRIBER, (call_id, tag), given.get("event") or given.get("o", ""), target)
    first_hop, routes = core.way_out(target)
    identity = f"{routes}From: {core.templates.local};tag={tag}\r\nTo: <{target}>\r\nCall-ID: {call_id}\r\n"
    numbers: Callable[[], int] = itertools.count(1).__next__
    request = Outgoing("SUBSCRIBE", target, identity, _with(lines, expires), numbers, body)
    Exchange(core, request, Subscribing(core, subscription, user, asked_s), None).start(first_hop, None, now)


def _enter(subscription: Subscription, dialog: Dialog, source: Hop) -> None:
    """Know the dialog; a NOTIFY that overtook the 2xx made it already."""
    if subscription.dialog is None:
        dialog.fallback = source
        subscription.dialog = dialog
    else:
        subscription.dialog.local_cseq = max(subscription.dialog.local_cseq, dialog.local_cseq)


def receive_notify(
    core: Core, subscription: Subscription, transaction: ServerTransaction, request: Request, source: Hop, now: float
) -> int:
    """A NOTIFY of a subscription of ours came; returns the status code of the answer."""
    to = request.headers.get("To") or ""
    try:
        state = SubscriptionState.parse(request.headers.get("Subscription-State") or "")
    except HeaderError:
        transaction.reply(now, 400, "Bad Subscription-State", to, core.templates.response)
        return 400
    if event_of(request) != _package(subscription.event):
        transaction.reply(now, 489, None, to, core.templates.response)
        return 489
    if subscription.dialog is None:
        subscription.dialog = dialog_of_request(request, subscription.key[1], source)
        subscription.dialog.local_cseq = 1
    subscription.dialog.refresh_target(request)
    if state.state == "terminated":
        subscription.over()
    elif state.expires is not None:
        subscription.last_until(now + state.expires)
    transaction.reply(now, 200, None, to, core.templates_for(transaction.destination).contact + core.templates.response)
    return 200


# --- as the notifier ---


def accept(core: Core, transaction: ServerTransaction, request: Request, source: Hop, now: float) -> int:
    """A SUBSCRIBE came that begins a subscription; returns the status code of the answer."""
    if not event_of(request) or "SUBSCRIBE" not in core.config.accepts:
        to = f"{request.headers.get('To') or ''};tag={core.ids.tag()}"
        transaction.reply(now, 489, None, to, core.templates.response)
        return 489
    tag = core.ids.tag()
    event = request.headers.get("Event") or ""
    subscription = Subscription(core, Role.NOTIFIER, (request.call_id, tag), event, request.from_.uri)
    subscription.dialog = dialog_of_request(request, tag, source)
    _grant(core, subscription, transaction, request, now)
    return 200


def receive_subscribe(
    core: Core, subscription: Subscription, transaction: ServerTransaction, request: Request, now: float
) -> int:
    """A SUBSCRIBE came in its dialog: it lasts longer, or is over."""
    assert subscription.dialog is not None, "a notifier has a dialog from the start"
    subscription.dialog.refresh_target(request)
    _grant(core, subscription, transaction, request, now)
    return 200


def _grant(
    core: Core, subscription: Subscription, transaction: ServerTransaction, request: Request, now: float
) -> None:
    dialog, expires_s = subscription.dialog, expires_of(request)
    assert dialog is not None, "a notifier has a dialog from the start"
    templates = core.templates_for(transaction.destination)
    lines = f"{templates.dialog_response}Expires: {expires_s}\r\n"
    transaction.reply(now, 200, None, dialog.local, lines)
    if expires_s:
        subscription.last_until(now + expires_s)
    else:
        subscription.terminate("timeout", now)


def notify(
    core: Core,
    subscription: Subscription,
    user: ClientUser,
    headers: HeaderFields,
    lines: Lines,
    body: bytes,
    now: float,
) -> None:
    """Send a NOTIFY in a subscription that somebody has; one that terminates it ends it."""
    assert subscription.dialog is not None, "a notifier has a dialog from the start"
    given = {name.lower(): value for name, value in headers}
    left = max(0, round(subscription.expires_at - now))
    extra = "" if given.keys() & {"event", "o"} else f"Event: {subscription.event}\r\n"
    extra += "" if "subscription-state" in given else f"Subscription-State: active;expires={left}\r\n"
    if given.get("subscription-state", "").strip().lower().startswith("terminated"):
        subscription.over()
    core.send_in_dialog("NOTIFY", subscription.dialog, user, None, now, _with(lines, extra), body)


# --- what comes in a subscription ---


def receive_in_subscription(
    core: Core, transaction: ServerTransaction, request: Request, source: Hop, now: float
) -> bool:
    """Answer a request of a subscription; False when it belongs to none."""
    subscription = core.subscriptions.get((request.call_id, request.to_tag))
    if subscription is None:
        return False
    if subscription.dialog is not None and not subscription.dialog.accepts(request):
        code = 500
        transaction.reply(now, code, None, request.headers.get("To") or "", core.templates.response)
        return True
    if request.method == "NOTIFY" and subscription.role is Role.SUBSCRIBER:
        code = receive_notify(core, subscription, transaction, request, source, now)
    elif request.method == "SUBSCRIBE" and subscription.role is Role.NOTIFIER:
        code = receive_subscribe(core, subscription, transaction, request, now)
    else:
        return False
    report(core, request, code)
    return True


def report(core: Core, request: Request, code: int) -> None:
    """Tell the user what came, and how it was answered."""
    headers, body = tuple(request.headers.items()), request.body.decode("utf-8", "replace")
    core.emit(RequestReceived(None, request.method, headers, body, code))


def _with(lines: Lines, extra: str) -> Lines:
    def both(templates: Templates) -> str:
        return lines(templates) + extra

    return both


def _package(event: str) -> str:
    return event.partition(";")[0].strip().lower()


def _address(uri: str) -> str:
    """User, host and port of a URI."""
    return uri.partition(":")[2].partition(";")[0].partition("?")[0]
