"""What was probably meant by a statement that does not fit: the help of a diagnostic, with a fix where it is sure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from sipflow.lang import habits
from sipflow.lang.diagnostics import Edit, Fix, replace
from sipflow.lang.scanner import WORD, RawToken
from sipflow.values import dataclass

if TYPE_CHECKING:
    from sipflow.lang.driver import Driver

_DIGITS = re.compile(r'"[0-9A-D*#,]+"')

_NOT_COMING = (
    'that it does not come is told by `choose within 3s { … => fail "it came"; timeout => log "as it should be" }`'
)
_NOT_BEFORE = (
    "`within` says how long to wait at most; that it does not come too early is told by "
    '`choose within 5s { … => fail "too early"; timeout => log "so far so good" }`'
)
_FIRST_OF = "whichever comes first is waited for by `choose { answered => …; hangup => … }`"
_MEANWHILE = "`play … in background` goes on at once: `expect` or `choose` comes behind it, and then `stop play`"
_RECORDING = "`record` goes on at once: `expect` comes behind it, and then `stop record`"
_EVENT = "`wait` takes a time; what waits for an event is `expect`"
_LASTS = "how long a call lasts is said by `wait 5s; release` behind it"


@dataclass(frozen=True, slots=True)
class Hint:
    """What was probably meant."""

    text: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A token that does not fit, and the statement around it."""

    driver: Driver
    before: Sequence[RawToken]
    """The tokens of the statement before it."""
    token: RawToken
    after: RawToken

    @property
    def verb(self) -> str:
        return self.before[0].text

    def meant(self, text: str, first: RawToken, last: RawToken | None = None) -> Hint:
        """Something else was meant by the tokens from `first` to `last`."""
        last = last or first
        span = self.driver.report.source.span(first.start, last.start + len(last.text))
        return Hint(f"did you mean `{text}`?", replace(span, text))

    def lacks(self, word: str) -> Hint:
        """A word is missing before the token."""
        at = self.driver.report.source.span(self.token.start, self.token.start)
        text = " ".join((*(token.text for token in self.before), word, self.token.text))
        return Hint(f"did you mean `{text}`?", Fix(f"write `{text}`", (Edit(at, f"{word} "),)))


def hint(driver: Driver, token: RawToken) -> Hint | None:
    """What was probably meant by a statement in which `token` does not fit; None when nobody is known to write so."""
    called = setting(driver, token)
    if called is not None:
        return Hint(called)
    before = _statement_before(driver)
    if not before or driver.index + 1 >= len(driver.tokens):
        return None
    place = _Place(driver, before, token, driver.tokens[driver.index + 1])
    for known in _KNOWN:
        found = known(place)
        if found is not None:
            return found
    return None


def setting(driver: Driver, token: RawToken) -> str | None:
    """How a setting of an agent, or an item of `load`, is said here that others call by this word."""
    expected = driver.automaton.expected()
    words = habits.SETTINGS if "PTIME" in expected else habits.LOAD_ITEMS if "ARRIVALS" in expected else {}
    return words.get(token.text.replace("_", "").lower()) if token.kind == WORD else None


def _statement_before(driver: Driver) -> list[RawToken]:
    first = driver.index
    while first > 0:
        last = driver.tokens[first - 1]
        if last.kind in ("NL", "SEMI", "LBRACE", "RBRACE", "COLON", "ARROW") or last.text == "else":
            break
        first -= 1
    return driver.tokens[first : driver.index]


def _limit(place: _Place) -> Hint | None:
    """`expect hangup in 5s`."""
    if place.token.text not in habits.LIMITS or place.after.kind != "QUANTITY":
        return None
    return place.meant("within", place.token) if place.driver.automaton.accepts(("WITHIN",)) else None


def _until(place: _Place) -> Hint | None:
    """`play "x.wav" until dtmf`."""
    texts = {"play": _MEANWHILE, "record": _RECORDING}
    return Hint(texts[place.verb]) if place.token.text in habits.UNTIL and place.verb in texts else None


def _waiting(place: _Place) -> Hint | None:
    """`wait for 2s`, `wait for dtmf`, `wait until answered`; `until` has been read as the name of a time."""
    if place.verb != "wait":
        return None
    named = place.before[-1].text in habits.UNTIL
    word, following = (place.before[-1], place.token) if named else (place.token, place.after)
    if not named and word.text != "for":
        return None
    return place.meant(following.text, word, following) if following.kind == "QUANTITY" else Hint(_EVENT)


def _event(place: _Place) -> Hint | None:
    """`expect bye`, `expect 486`, `expect "1"`, `expect no dtmf`."""
    if place.verb != "expect":
        return None
    token = place.token
    if token.text == "or":
        return Hint(_FIRST_OF)
    if token.text == "after" and place.after.kind == "QUANTITY":
        return Hint(_NOT_BEFORE)
    if len(place.before) > 1:
        return None
    if token.text in ("no", "not", "nothing", "never"):
        return Hint(_NOT_COMING)
    if token.kind == "STRING":
        return _text(place, "heard")
    if token.kind == "NUMBER":
        return place.meant(_answer(token.text), token)
    return place.meant(habits.EVENTS[token.text], token) if token.text in habits.EVENTS else None


def _answer(code: str) -> str:
    return {"1": "ringing", "2": "answered"}.get(code[0], f"rejected {code}")


def _sending(place: _Place) -> Hint | None:
    """`send "1"`."""
    return _text(place, None) if place.verb == "send" and len(place.before) == 1 else None


def _text(place: _Place, of_file: str | None) -> Hint | None:
    if place.token.kind != "STRING":
        return None
    if _DIGITS.fullmatch(place.token.text):
        return place.lacks("dtmf")
    is_file = place.token.text.strip('"').rpartition(".")[2].lower() in habits.FILE_ENDINGS
    return place.lacks(of_file) if of_file and is_file else None


def _lasting(place: _Place) -> Hint | None:
    """`call bob for 5s`."""
    return Hint(_LASTS) if place.verb in ("call", "dial", "answer") and place.token.text == "for" else None


def _going_round(place: _Place) -> Hint | None:
    """`play "x.wav" loop 3`."""
    if len(place.before) < 3 or place.before[-2].text != "loop" or place.before[-1].kind != "NUMBER":
        return None
    return place.meant(f"{place.before[-1].text} times", place.before[-2], place.before[-1])


def _joined(place: _Place) -> Hint | None:
    """`call bob and play "x.wav"`, `call bob then wait 2s`."""
    if place.verb in ("check", "if", "while", "let") or any(token.text == "where" for token in place.before):
        return None  # a condition, in which these words are operators
    tokens = [*place.before, place.token]
    for before, token in pairwise(tokens):
        if token.text in ("and", "then") and token.kind == WORD:
            start = before.start + len(before.text)
            span = place.driver.report.source.span(start, token.start + len(token.text))
            text = "statements stand on lines of their own, or have a `;` between them"
            return Hint(text, replace(span, ";", f"write `;` for `{token.text}`"))
    return None


def _listening(place: _Place) -> Hint | None:
    """`listen 5060`, `listen "10.0.0.7:5060"`."""
    if place.verb != "listen" or len(place.before) > 1:
        return None
    if place.token.kind == "NUMBER":
        return place.meant(f'udp "127.0.0.1:{place.token.text}"', place.token)
    return place.lacks("udp") if place.token.kind == "STRING" else None


def _header(place: _Place) -> Hint | None:
    """`header X-Tenant "blue"`, `header "X-Tenant": "blue"`."""
    if place.before[-1].text == "header":
        return Hint('a header field is `header "NAME" = "VALUE"`')
    if len(place.before) > 1 and place.before[-2].text == "header" and place.token.text == ":":
        name = place.before[-1]
        return place.meant(f"{name.text} =", name, place.token)
    return None


def _loading(place: _Place) -> Hint | None:
    """`ramp 10/s..100/s/60s`, `concurrency 10`."""
    if place.verb == "ramp":
        return Hint("`ramp 10/s to 100/s over 60s` goes from one rate to another")
    return place.lacks("at most") if place.verb == "concurrency" and place.token.kind == "NUMBER" else None


def _recording(place: _Place) -> Hint | None:
    """`record stereo "x.wav"`, `record "x.wav" both`."""
    if place.verb != "record":
        return None
    if place.token.kind == "STRING" and len(place.before) == 2:
        return place.meant(f"{place.token.text} {place.before[1].text}", place.before[1], place.token)
    return place.meant("stereo", place.token) if place.token.text in ("both", "all", "duplex") else None


def _playing(place: _Place) -> Hint | None:
    """`play "x.wav" volume -6dB`."""
    words = ("volume", "gain", "level")
    return place.meant("at", place.token) if place.verb == "play" and place.token.text in words else None


def _target(place: _Place) -> Hint | None:
    """`transfer "sip:carol@10.0.0.5"`, `send options "sip:bob@10.0.0.5"`, `send info "x"`."""
    if place.token.kind != "STRING" or place.verb not in ("transfer", "send"):
        return None
    if place.token.text.startswith(('"sip:', '"sips:', '"tel:')):
        return place.lacks("to")
    method = place.before[-1].text
    return Hint(f"`send {method} {{ body {place.token.text} }}` sends it") if place.verb == "send" else None


def _refusing(place: _Place) -> Hint | None:
    """`reject busy`."""
    code = habits.RESPONSES.get(place.token.text.replace("_", "").lower()) if place.verb == "reject" else None
    return None if code is None else place.meant(code, place.token)


def _with(place: _Place) -> Hint | None:
    """`call bob with header "X" = "y"`."""
    known = place.before[-1].text == "with" and place.token.text in ("header", "body", "part")
    return Hint('what goes with it stands in a block: `with { header "NAME" = "VALUE" }`') if known else None


def _then(place: _Place) -> Hint | None:
    """`if media.loss > 1% then fail "bad"`."""
    known = place.verb in ("if", "while", "repeat") and place.token.text in ("then", "do")
    return Hint(f"what is done stands in a block: `{place.verb} … {{ … }}`") if known else None


def _credentials(place: _Place) -> Hint | None:
    """`auth "alice"`, `registrar "10.0.0.5"`."""
    if place.verb == "auth" and not any(token.text == "password" for token in place.before):
        return Hint(habits.CREDENTIALS)
    return Hint(habits.SERVER) if place.verb == "registrar" and place.token.kind == "STRING" else None


_KNOWN: tuple[Callable[[_Place], Hint | None], ...] = (
    _limit,
    _until,
    _waiting,
    _event,
    _sending,
    _lasting,
    _going_round,
    _joined,
    _listening,
    _header,
    _credentials,
    _loading,
    _recording,
    _playing,
    _target,
    _refusing,
    _with,
    _then,
)
