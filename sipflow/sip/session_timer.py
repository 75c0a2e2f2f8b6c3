"""Session timers: a session that nobody refreshes ends (RFC 4028)."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.sip.config import SessionTimerConfig
from sipflow.sip.headers import HeaderError, parse_parameters
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.reliable_provisional import names_option
from sipflow.sip.timers import Timer, Timers
from sipflow.values import dataclass

OPTION = "timer"
TOO_BRIEF = 422
_SHORTEST_S = 90
"""Section 4: no interval is shorter, and a Min-SE that is absent means this."""
_LONGEST_MARGIN_S = 32
"""Section 10: the BYE goes out this long before the session expires, or a third of the interval if that is less."""


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """A Session-Expires header (section 4)."""

    seconds: int
    refresher: str = ""
    """`uac`, `uas`; empty when it is left to the other side."""

    @classmethod
    def of(cls, message: Message) -> SessionExpires | None:
        """The header of a message; None when it has none that can be read."""
        seconds, semicolon, parameters = (message.headers.get("Session-Expires") or "").partition(";")
        if not _is_seconds(seconds):
            return None
        try:
            given = {name.lower(): (value or "").lower() for name, value in parse_parameters(semicolon + parameters)}
        except HeaderError:
            given = {}
        refresher = given.get("refresher", "")
        return cls(int(seconds), refresher if refresher in ("uac", "uas") else "")

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def min_se(message: Message) -> int:
    """Shortest interval that a message allows, in seconds."""
    value = (message.headers.get("Min-SE") or "").partition(";")[0]
    return int(value) if _is_seconds(value) else _SHORTEST_S


def refusal(config: SessionTimerConfig, request: Request) -> str:
    """Header lines of the 422 with which too short an interval is refused, empty when it is long enough (section 9)."""
    asked = SessionExpires.of(request)
    if asked is None or asked.seconds >= config.min_se_s or not names_option(request, "Supported", OPTION):
        return ""
    return f"Min-SE: {config.min_se_s}\r\n"


class SessionTimer:
    """The timer of one call, whoever refreshes."""

    __slots__ = (
        "_agreed",
        "_config",
        "_expire",
        "_expires_s",
        "_expiry",
        "_min_se_s",
        "_refresh",
        "_refreshing",
        "_timers",
        "_we_refresh",
    )

    def __init__(
        self,
        config: SessionTimerConfig,
        timers: Timers,
        refresh: Callable[[float], None],
        expire: Callable[[float], None],
    ) -> None:
        """`refresh(now)` sends a request that refreshes the session, `expire(now)` ends it."""
        self._config = config
        self._timers = timers
        self._refresh = refresh
        self._expire = expire
        self._expires_s = config.expires_s
        self._min_se_s = config.min_se_s
        self._we_refresh = config.refresher == "local"
        self._agreed = False
        self._refreshing: Timer | None = None
        self._expiry: Timer | None = None

    # --- as the sender of INVITE or UPDATE ---

    def request_lines(self) -> str:
        """Header lines of a request that sets the timer (section 7.1)."""
        decided = self._agreed or bool(self._config.refresher)
        refresher = ("uac" if self._we_refresh else "uas") if decided else ""
        return f"Session-Expires: {SessionExpires(self._expires_s, refresher)}\r\nMin-SE: {self._min_se_s}\r\n"

    def take_minimum(self, response: Response) -> bool:
        """After a 422: whether a longer interval is worth a try (section 7.3)."""
        least = min_se(response)
        if response.status_code != TOO_BRIEF or least <= self._expires_s:
            return False
        self._expires_s, self._min_se_s = least, max(least, self._min_se_s)
        return True

    def accepted(self, response: Response, now: float) -> None:
        """A 2xx came; one without Session-Expires means that the session has no end (section 7.2)."""
        agreed = SessionExpires.of(response)
        if agreed is None:
            self.stop()
        else:
            self._agree(agreed.seconds, agreed.refresher != "uas", now)

    # --- as the receiver ---

    def refusal(self, request: Request) -> str:
        """Header lines of a 422, empty when the interval is long enough."""
        return refusal(self._config, request)

    def accept(self, request: Request, now: float) -> str:
        """Header lines of our 2xx, with which the timer runs (section 9, table 2)."""
        asked, peer_has_it = SessionExpires.of(request), names_option(request, "Supported", OPTION)
        wanted = self._config.expires_s if asked is None else min(asked.seconds, self._config.expires_s)
        seconds = max(wanted, min_se(request), self._config.min_se_s)
        refresher = self._refresher("" if asked is None else asked.refresher) if peer_has_it else "uas"
        self._agree(seconds, refresher == "uas", now)
        require = f"Require: {OPTION}\r\n" if peer_has_it else ""
        return f"{require}Session-Expires: {SessionExpires(seconds, refresher)}\r\n"

    def _refresher(self, asked: str) -> str:
        return asked or ("uas" if self._config.refresher == "local" else "uac")

    # --- the time ---

    def _agree(self, seconds: int, we_refresh: bool, now: float) -> None:
        self.stop()
        self._expires_s, self._we_refresh, self._agreed = seconds, we_refresh, True
        margin = min(_LONGEST_MARGIN_S, seconds / 3)
        self._expiry = self._timers.start(now + seconds - margin, _call, self._expire)
        if we_refresh:
            self._refreshing = self._timers.start(now + seconds / 2, _call, self._refresh)

    def stop(self) -> None:
        """No timer any more: the call is over, or the peer wants none."""
        self._timers.cancel(self._expiry)
        self._timers.cancel(self._refreshing)


def _call(what: Callable[[float], None], now: float) -> None:
    what(now)


def _is_seconds(text: str) -> bool:
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= 9
