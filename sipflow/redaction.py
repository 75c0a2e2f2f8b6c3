"""Secrets: values that no log, report or capture shows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.media_params import MediaParams, SrtpKeys

REDACTED = "***"
"""What stands in the place of a secret."""

HIDDEN_DIGIT = "*"
"""What stands in the place of a digit while a secret could be read from digits."""

_STRUCTURE = frozenset(
    ("call", "lane", "failed_node", "source", "via", "by", "cause", "kind", "code", "level", "verdict", "wallclock")
)
"""Fields that say what a record belongs to: programs join records by them, and a run never puts a value there."""

_CALL_IDS = {events.CallIncoming: "replaces", events.CallTransferred: "to"}
"""Fields that are calls under another name."""

_DIGITS = re.compile(r"[0-9A-D*#,\s]+", re.IGNORECASE)
_SPOKEN_DIGITS = re.compile(r'(?<=dtmf ")[^"]*(?=")')
"""Digits that came, as reports write them."""

_AS_WRITTEN = ((events.NodeStarted, "text"), (events.NodeFailed, "statement"), (events.NodeFailed, "expected"))
"""Fields with the words of the file, which tell nothing of what came."""

_NO_KEY = frozenset(("int", "float", "bool", "int | None", "float | None", "bool | None"))
"""Types of fields as `events` writes them."""

_INLINE = "inline:"
_INLINE_BYTES = _INLINE.encode()
_INLINE_KEY = re.compile(rf"(?<={_INLINE})[^\s|;\"'\\]+", re.IGNORECASE)
HIDDEN_KEY = "*****"
"""What stands in the place of an SRTP key in `a=crypto` (RFC 4568 section 6.1)."""

_DTMF_TYPE = re.compile(rb"^content-type\s*:\s*application/dtmf", re.IGNORECASE | re.MULTILINE)


class Redactor:
    """Knows the secrets of one run and takes them out of whatever is about to be shown or written.

    One of them stands between the run and all of its outputs (`sipflow.api`); `secret E` adds to it when E is
    evaluated. A secret is found in small letters and capitals, percent-encoded and quoted, wholly or in parts. Once a
    secret consists of digits, every digit that a call sends or receives is hidden: the first of them would tell the
    rest.

    Keys of SRTP are secrets that nobody has to declare: whoever has them and a capture hears the call. They are hidden
    wherever they stand, unless `shows_keys`.
    """

    def __init__(self, *, shows_keys: bool = False) -> None:
        self.shows_keys = shows_keys
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.hides_digits = False
        """Whether a secret consists of digits, so that none that a call sends or receives may be shown."""

    def add(self, value: str) -> None:
        """Keep `value` out of everything from now on; white space alone is no secret."""
        value = value.strip()
        if not value or value in self._secrets:
            return
        self._secrets.add(value)
        self.hides_digits = self.hides_digits or _DIGITS.fullmatch(value) is not None
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_any_form, longest_first)), re.IGNORECASE)

    def text(self, text: str, mark: str = REDACTED) -> str:
        """`text` with `mark` in the place of secrets."""
        return self._replaced(text, lambda _: mark)

    def told(self, text: str) -> str:
        """What a report tells of a call, without secrets and, where a secret is digits, without digits that came."""
        clean = self.text(text)
        return _SPOKEN_DIGITS.sub(HIDDEN_DIGIT, clean) if self.hides_digits else clean

    def masked(self, text: str) -> str:
        """`text` with secrets blotted out, character by character: columns stay where they are."""
        return self._replaced(text, lambda found: "*" * len(found.group()))

    def record(self, record: Record) -> Record:
        """`record` without secrets."""
        if self._pattern is None and (self.shows_keys or not _carries_keys(record.event)):
            return record
        return dataclasses.replace(record, event=self._payload(record.event))

    def _replaced(self, text: str, mark: Callable[[re.Match[str]], str]) -> str:
        if not self.shows_keys and _INLINE in text.lower():
            text = _INLINE_KEY.sub(HIDDEN_KEY, text)
        return text if self._pattern is None else self._pattern.sub(mark, text)

    # --- records ---

    def _payload(self, payload: Payload) -> Payload:
        clean = self._fields(payload)
        match clean:
            case events.SipSent() | events.SipReceived():
                return dataclasses.replace(clean, redacted=clean.data != getattr(payload, "data", b""))
            case events.DtmfReceived() | events.DigitSent() if self.hides_digits:
                return dataclasses.replace(clean, digit=HIDDEN_DIGIT)
            case events.DtmfSent() if self.hides_digits:
                return dataclasses.replace(clean, digits=HIDDEN_DIGIT)
            case events.RequestReceived(headers=headers) if self.hides_digits and _carries_digits(headers):
                return dataclasses.replace(clean, body=HIDDEN_DIGIT)
            case _:
                return clean

    def _fields(self, payload: Payload) -> Payload:
        kept = _STRUCTURE | {_CALL_IDS.get(type(payload), "call")}
        names = [field.name for field in dataclasses.fields(payload) if field.name not in kept]
        return dataclasses.replace(payload, **{name: self._field(payload, name) for name in names})

    def _field(self, payload: Payload, name: str) -> Any:
        clean = self._value(getattr(payload, name))
        if self.hides_digits and isinstance(clean, str) and (type(payload), name) not in _AS_WRITTEN:
            return _SPOKEN_DIGITS.sub(HIDDEN_DIGIT, clean)
        return clean

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case bytes():
                return self._message(value)
            case tuple() if type(value) is tuple:
                return tuple(self._value(item) for item in value)
            case list():
                return [self._value(item) for item in value]
            case MediaParams(srtp=SrtpKeys() as keys) if not self.shows_keys:
                return dataclasses.replace(value, srtp=SrtpKeys(keys.suite, b"", b""))
            case dict():
                return {key: self._value(item) for key, item in value.items()}
            case _:
                return value

    def _message(self, data: bytes) -> bytes:
        """A SIP message; a body of digits (`application/dtmf-relay`) is hidden as digits in RTP are."""
        text = self.text(data.decode("utf-8", "surrogateescape"))
        clean = text.encode("utf-8", "surrogateescape")
        head, blank, body = clean.partition(b"\r\n\r\n")
        if self.hides_digits and body and _DTMF_TYPE.search(head):
            return head + blank + HIDDEN_DIGIT.encode()
        return clean


def _carries_keys(payload: Payload) -> bool:
    """Whether an event may have SRTP keys in it: cheap, for it is asked of every event of a run without secrets."""
    for name in _fields_for_keys(type(payload)):  # noqa: SIM110 - a generator costs more than what it looks at
        if _has_key(getattr(payload, name)):
            return True
    return False


def _has_key(value: object) -> bool:
    if isinstance(value, str):
        return ":" in value and _INLINE in value.lower()
    if isinstance(value, bytes):
        return _INLINE_BYTES in value.lower()
    return isinstance(value, MediaParams) and value.srtp is not None


_KEY_FIELDS: dict[type[Payload], tuple[str, ...]] = {}


def _fields_for_keys(kind: type[Payload]) -> tuple[str, ...]:
    """Fields of an event in which a key may stand."""
    if kind not in _KEY_FIELDS:
        names = (field.name for field in dataclasses.fields(kind) if field.type not in _NO_KEY)
        _KEY_FIELDS[kind] = tuple(name for name in names if name not in _STRUCTURE)
    return _KEY_FIELDS[kind]


def _carries_digits(headers: tuple[tuple[str, str], ...]) -> bool:
    return any(name.lower() == "content-type" and value.lower().startswith("application/dtmf")
               for name, value in headers)  # fmt: skip


def _any_form(secret: str) -> str:
    """A regular expression for `secret` however its characters are written."""
    significant = secret.lstrip("0") if secret.isdecimal() else ""
    if len(significant) > 1:  # as a number it has no zeros in front
        return "0*" + "".join(map(_any_form_of_char, significant))
    return "".join(map(_any_form_of_char, secret))


def _any_form_of_char(char: str) -> str:
    """A character as it is, percent-encoded (RFC 3261 section 25.1), or with backslashes before it."""
    encoded = "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    if char.isspace():
        return rf"(?:{encoded}|\s+|\\[nrt])"
    if char.isalnum() and char.isascii():
        return f"(?:{encoded}|{char})"
    escaped = rf"\\u\{{?{ord(char):04x}\}}?"
    return rf"(?:{encoded}|{escaped}|\\*{re.escape(char)})"
