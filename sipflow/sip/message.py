"""SIP messages: tolerant reading, exact writing, typed views on demand (RFC 3261 section 7).

A message keeps its header lines as they came (order, case, folding, bytes that are no UTF-8) and takes them apart only
when somebody asks; what most will ask for is checked and remembered while reading. Text is str with `surrogateescape`,
so any bytes survive a round trip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NoReturn, TypeVar

from sipflow.errors import MisuseError, ProtocolError
from sipflow.sip.headers import (
    CSeq,
    HeaderError,
    NameAddr,
    Via,
    is_token,
    name_addr_tag,
    reason_phrase,
    split_list,
    via_branch,
)
from sipflow.sip.uri import UriError, check_uri
from sipflow.values import dataclass

View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message is read; what goes beyond is refused with 513 (RFC 3261 section 21.5.7)."""

    message_bytes: int = 65_536
    """Of the whole datagram."""
    header_fields: int = 256
    """Number of header lines, folded ones counted once."""
    header_bytes: int = 8_192
    """Characters of one header line, folds included."""


DEFAULT_LIMITS: Final = Limits()


class MessageError(ProtocolError):
    """Bytes that are no SIP message, or a message that breaks a rule without which it cannot be processed."""

    def __init__(self, problem: str, status_code: int | None = None, partial: Request | Response | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        """What is wrong, for a person."""
        self.status_code = status_code
        """What a UAS should answer (400, 505, 513); None: discard without an answer (responses, ACK, noise)."""
        self.partial = partial
        """What could be read; its typed views may raise HeaderError. None when not even a start line was found."""


# --- header fields ---

_WHITE: Final = " \t\r\n"


class _FieldKeys(dict[str, str]):
    """From the spelling of a field name to the key it is looked up by: the full name in lower case.

    The usual spellings are entries, so that a field costs one look-up; any other is worked out and not remembered,
    since names come from strangers.
    """

    def __missing__(self, name: str) -> str:
        key = name.strip(_WHITE).lower()
        return _COMPACT.get(key, key)


_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""Compact forms (registry of RFC 3261 section 27.2)."""

_USUAL_NAMES: Final = (
    "Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authorization Call-ID "
    "Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date "
    "Event Expires From Identity Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity Path "
    "Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-Sub Refer-To "
    "Referred-By Replaces Require Retry-After Route RSeq Server Session-Expires Subject Subscription-State Supported "
    "Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate"
)


def _usual_spellings() -> _FieldKeys:
    keys = _FieldKeys()
    for name in _USUAL_NAMES.split():
        keys |= dict.fromkeys((name, name.lower(), name.upper(), name.title()), name.lower())
    for letter, key in _COMPACT.items():
        keys |= dict.fromkeys((letter, letter.upper()), key)
    return keys


_KEYS: Final = _usual_spellings()


def field_key(name: str) -> str:
    """What a field name is known by, however it is spelt: the full name in lower case."""
    return _KEYS[name]


class Headers:
    """Header fields in their order and spelling; look-up ignores case and knows compact forms both ways."""

    __slots__ = ("_keys", "_lines", "_views")

    # Two lists side by side: the line as it stands in the message, and the key it is looked up by. No object per
    # field, and finding a field is list.index. `_views` remembers what was read out of them until something changes.

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._keys: list[str] = []
        self._lines: list[str] = []
        self._views: dict[str, Any] = {}
        for name, value in fields:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """Value of the first field of that name, unfolded, without white space around; None when there is none."""
        try:
            line = self._lines[self._keys.index(_KEYS[name])]
        except ValueError:
            return None
        return _value(line.partition(":")[2])

    def get_all(self, name: str) -> list[str]:
        """Values of all fields of that name, one for each header line."""
        key = _KEYS[name]
        lines = [line for line, own in zip(self._lines, self._keys, strict=True) if own == key]
        return [_value(line.partition(":")[2]) for line in lines]

    def values(self, name: str) -> list[str]:
        """Elements of a header that is a list, whether they came in one line or in several (section 7.3.1)."""
        return [element for value in self.get_all(name) for element in split_list(value)]

    def items(self) -> list[tuple[str, str]]:
        """All fields: name as written, value unfolded."""
        parts = [line.partition(":") for line in self._lines]
        return [(name.rstrip(_WHITE), _value(text)) for name, _, text in parts]

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        line = _line(name, value)
        self._touch()
        self._keys.append(_KEYS[name])
        self._lines.append(line)

    def insert_first(self, name: str, value: str) -> None:
        """Put a field before the first one of its name, at the very top when there is none."""
        line = _line(name, value)
        self._touch()
        key = _KEYS[name]
        position = self._keys.index(key) if key in self._keys else 0
        self._keys.insert(position, key)
        self._lines.insert(position, line)

    def replace_first(self, name: str, value: str) -> None:
        """Give the first field of that name another value where it stands; append when there is none."""
        key = _KEYS[name]
        if key not in self._keys:
            self.add(name, value)
            return
        line = _line(name, value)
        self._touch()
        self._lines[self._keys.index(key)] = line

    def set(self, name: str, value: str) -> None:
        """Leave one field of that name, where the first one stood; append when there is none."""
        self.replace_first(name, value)
        key = _KEYS[name]
        if self._keys.count(key) > 1:
            self._keep(lambda position, own: own != key or position == self._keys.index(key))

    def remove(self, name: str) -> None:
        """Take out all fields of that name."""
        key = _KEYS[name]
        self._keep(lambda _, own: own != key)

    def copy(self) -> Headers:
        """The same fields, free to change."""
        return _headers(self._keys.copy(), self._lines.copy())

    def view(self, name: str, read: Callable[[Headers], View]) -> View:
        """What `read` makes of these headers; remembered under `name` until they change."""
        try:
            found: View = self._views[name]
        except KeyError:
            found = self._views[name] = read(self)
        return found

    def lines(self) -> list[str]:
        """All fields as they stand in the message, without line ends (but for those of folds)."""
        return self._lines.copy()

    def __contains__(self, name: str) -> bool:
        return _KEYS[name] in self._keys

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __eq__(self, other: object) -> bool:
        return self.items() == other.items() if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"

    def _keep(self, wanted: Callable[[int, str], bool]) -> None:
        keep = [position for position, key in enumerate(self._keys) if wanted(position, key)]
        self._lines = [self._lines[position] for position in keep]
        self._keys = [self._keys[position] for position in keep]
        self._touch()

    def _touch(self) -> None:
        if self._views:
            self._views = {}

    def _with_length(self, length: int) -> list[str]:
        """The lines with a Content-Length that is right; the one that is there stays if it says the same."""
        line = f"Content-Length: {length}"
        try:
            position = self._keys.index("content-length")
        except ValueError:
            return [*self._lines, line]
        said = _value(self._lines[position].partition(":")[2])
        if said == str(length) or _same_number(said, length):
            return self._lines
        return [*self._lines[:position], line, *self._lines[position + 1 :]]


def _headers(keys: list[str], lines: list[str]) -> Headers:
    headers = Headers.__new__(Headers)
    headers._keys = keys
    headers._lines = lines
    headers._views = {}
    return headers


def _line(name: str, value: str) -> str:
    """The line of a field. A value never starts a line of its own: it may come from a stranger or a data file."""
    if "\n" in value or "\r" in value or "\n" in name or "\r" in name or ":" in name:
        raise MisuseError(f"header field {name!r} cannot hold a line break")
    return f"{name}: {value}"


def _value(text: str) -> str:
    """Value of a header line, of which this is behind the colon: unfolded (RFC 3261 section 7.3.1), without white space
    around. A CR on its own is white space, so that no value that is passed on ends its line early."""
    value = text.strip(_WHITE)
    if "\n" in value:
        value = " ".join([part.strip(" \t\r") for part in value.split("\n")])
    return value.replace("\r", " ") if "\r" in value else value


def _same_number(text: str, number: int) -> bool:
    return text.isascii() and text.isdigit() and text.lstrip("0") == str(number).lstrip("0")


# --- messages ---


class Message:
    """What requests and responses share.

    The views raise HeaderError where the header is missing or malformed; on a message that `parse_message` returned
    they never do. They are remembered until the headers change.
    """

    __slots__ = ("body", "headers")

    headers: Headers
    body: bytes

    @property
    def start_line(self) -> str:
        """Request line or status line, without its line end."""
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """Top Via."""
        try:
            found: Via = self.headers._views["via"]
        except KeyError:
            return self.headers.view("via", _read_via)
        return found

    @property
    def branch(self) -> str:
        """Branch of the top Via, empty when it has none (RFC 2543)."""
        try:
            found: str = self.headers._views["branch"]
        except KeyError:
            return self.headers.view("branch", _read_branch)
        return found

    @property
    def call_id(self) -> str:
        """Call-ID."""
        try:
            found: str = self.headers._views["call-id"]
        except KeyError:
            return self.headers.view("call-id", _read_call_id)
        return found

    @property
    def cseq(self) -> CSeq:
        """CSeq."""
        try:
            found: CSeq = self.headers._views["cseq"]
        except KeyError:
            return self.headers.view("cseq", _read_cseq)
        return found

    @property
    def from_(self) -> NameAddr:
        """From."""
        return self.headers.view("from", _read_from)

    @property
    def to(self) -> NameAddr:
        """To."""
        return self.headers.view("to", _read_to)

    @property
    def from_tag(self) -> str:
        """Tag of From, empty when it has none (RFC 2543). Cheaper than `from_.tag`."""
        try:
            found: str = self.headers._views["from-tag"]
        except KeyError:
            return self.headers.view("from-tag", _read_from_tag)
        return found

    @property
    def to_tag(self) -> str:
        """Tag of To, empty when it has none. Cheaper than `to.tag`."""
        try:
            found: str = self.headers._views["to-tag"]
        except KeyError:
            return self.headers.view("to-tag", _read_to_tag)
        return found

    @property
    def content_type(self) -> str:
        """Type and subtype in lower case without parameters, empty when there is no Content-Type."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip(" \t").lower()

    def to_bytes(self, *, fix_content_length: bool = True) -> bytes:
        """The message as it goes on the wire; a parsed one gives back its header lines and body byte for byte.

        With `fix_content_length` the Content-Length that is written is that of the body, added as the last field if
        there was none; without it the fields are written as they are.
        """
        lines = self.headers._with_length(len(self.body)) if fix_content_length else self.headers._lines
        text = "\r\n".join((self.start_line, *lines, "", ""))
        try:
            return text.encode("utf-8", "surrogateescape") + self.body
        except UnicodeEncodeError as error:
            raise MisuseError(f"not a character that can be sent: {text[error.start]!r}") from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.start_line!r}, {len(self.headers)} fields, {len(self.body)} bytes>"


class Request(Message):
    """A request (RFC 3261 section 7.1)."""

    __slots__ = ("method", "uri", "version")

    def __init__(
        self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"", version: str = "SIP/2.0"
    ) -> None:
        self.method = method
        """As written: methods are case-sensitive."""
        self.uri = uri
        """Text of the Request-URI; `sipflow.sip.uri.parse_uri` takes it apart."""
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version

    @property
    def start_line(self) -> str:
        """Request line, without its line end."""
        return f"{self.method} {self.uri} {self.version}"


class Response(Message):
    """A response (RFC 3261 section 7.2)."""

    __slots__ = ("reason_phrase", "status_code", "version")

    def __init__(
        self,
        status_code: int,
        reason_phrase: str | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = "SIP/2.0",
    ) -> None:
        self.status_code = status_code
        """100-699."""
        self.reason_phrase = _phrase(status_code) if reason_phrase is None else reason_phrase
        """Text after the code; None as argument stands for the RFC's own phrase."""
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version

    @property
    def start_line(self) -> str:
        """Status line, without its line end."""
        return f"{self.version} {self.status_code} {self.reason_phrase}"


_phrase = reason_phrase


def _required(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if not value:
        raise HeaderError(f"no {name}")
    return value


def _read_via(headers: Headers) -> Via:
    hops = Via.parse_many(_required(headers, "Via"))
    if not hops:
        raise HeaderError("empty Via")
    return hops[0]


def _read_branch(headers: Headers) -> str:
    return via_branch(_required(headers, "Via"))


def _read_call_id(headers: Headers) -> str:
    return _required(headers, "Call-ID")


def _read_cseq(headers: Headers) -> CSeq:
    return CSeq.parse(_required(headers, "CSeq"))


def _read_from(headers: Headers) -> NameAddr:
    return NameAddr.parse(_required(headers, "From"))


def _read_to(headers: Headers) -> NameAddr:
    return NameAddr.parse(_required(headers, "To"))


def _read_from_tag(headers: Headers) -> str:
    return name_addr_tag(_required(headers, "From"))


def _read_to_tag(headers: Headers) -> str:
    return name_addr_tag(_required(headers, "To"))


# --- reading ---

_ONCE: Final = ("from", "to", "call-id", "cseq", "max-forwards")
"""Fields that may come once; Content-Length is looked at by itself."""

_CORE: Final = ("via", "call-id", "cseq", "from", "to")

_STATUS_CODES: Final = {str(code): code for code in range(100, 700)}

_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_END: Final = re.compile(r"\r?\n(?![ \t])")
_VERSION: Final = re.compile(r"SIP/[0-9]++\.[0-9]++")


def parse_message(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Read one datagram.

    What is returned has well-formed Via, From, To, Call-ID and CSeq, and a body that is as long as it says; anything
    else is a MessageError, never another exception. Linear in the length of the data, which is limited.

    Taken although the RFC forbids or does not foresee it: bare LF, empty lines in front, white space too much, no
    Content-Length, bytes after the body (cut off, RFC 3261 section 18.3), bytes that are no UTF-8, no empty line at
    the end of a message without body, header lines without a colon (kept, they are fields without a value).
    """
    length = len(data)
    too_long = length > limits.message_bytes
    if data[:1] in b"\r\n":
        data = data.lstrip(b"\r\n")
    if too_long:
        data = data[: limits.message_bytes]
    try:
        start_line, lines, names, texts, body = _split_plain(data)
        keys = [_PLAIN_KEYS[name] for name in names]
        ended = True
    except _NotPlainError:
        start_line, lines, names, texts, body, ended = _split_any(data)
        keys = [_KEYS[name] for name in names]
    message, flaw = _read_start_line(start_line, _headers(keys, lines), body)
    if too_long or len(lines) > limits.header_fields or (length > limits.header_bytes and _any_long(lines, limits)):
        _refuse(message, "the message is longer than is taken", 513)
    if message.version != "SIP/2.0":
        _refuse(message, f"version {message.version}", 505)
    if flaw or not ended:
        _refuse(message, flaw or "the header fields do not end")
    _check_core(message, texts)
    _cut_body(message, texts)
    return message


def _refuse(message: Request | Response, problem: str, status_code: int = 400) -> NoReturn:
    """Responses and ACK are never answered (RFC 3261 sections 18.1.2 and 17), nor is what has no Via to answer to."""
    unanswerable = isinstance(message, Response) or message.method == "ACK" or "via" not in message.headers
    raise MessageError(problem, None if unanswerable else status_code, message)


class _NotPlainError(Exception):
    """A message that is not cut into lines at CRLF alone."""


class _PlainKeys(_FieldKeys):
    """Keys of lines that are fields each, none the continuation of another."""

    def __missing__(self, name: str) -> str:
        if name[:1] in " \t":
            raise _NotPlainError
        return super().__missing__(name)


_PLAIN_KEYS: Final = _PlainKeys(_KEYS)


def _split_plain(data: bytes) -> tuple[str, list[str], Sequence[str], Sequence[str], bytes]:
    """Start line, header lines, what is in front of and behind their colons, and what follows the empty line.

    This is the way of nearly all messages; _NotPlainError when it has folded lines, bare line feeds or no end.
    """
    head, empty_line, body = data.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    lines = text.split("\r\n")
    if not empty_line or text.count("\n") >= len(lines):
        raise _NotPlainError
    start_line = lines.pop(0)
    return start_line, lines, *_names_and_texts(lines), body


def _names_and_texts(lines: list[str]) -> tuple[Sequence[str], Sequence[str]]:
    if not lines:
        return (), ()
    names, _, texts = zip(*[line.partition(":") for line in lines], strict=True)
    return names, texts


def _split_any(data: bytes) -> tuple[str, list[str], Sequence[str], Sequence[str], bytes, bool]:
    """The same for any data, with folded lines kept whole, and whether the last line was ended."""
    end = _HEADER_END.search(data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    lines = [_with_crlf(line) for line in _LINE_END.split(head.decode("utf-8", "surrogateescape"))]
    ended = end is not None or lines[-1] == ""
    if not end and len(lines) > 1:
        lines.pop()
    start_line = lines.pop(0)
    return start_line, lines, *_names_and_texts(lines), body, ended


def _with_crlf(line: str) -> str:
    """A folded line, its folds written as they should be."""
    return line.replace("\r\n", "\n").replace("\n", "\r\n") if "\n" in line else line


def _any_long(lines: list[str], limits: Limits) -> bool:
    return any(len(line) > limits.header_bytes for line in lines)


def _read_start_line(line: str, headers: Headers, body: bytes) -> tuple[Request | Response, str]:
    """The message, and what is wrong with its start line; MessageError when that is not even near one."""
    if line[:4] in ("SIP/", "sip/", "Sip/"):
        return _read_status_line(line, headers, body), ""
    parts = line.split(" ")
    if len(parts) != 3:
        parts = [part for part in line.replace("\t", " ").split(" ") if part]
    version = parts[-1] if len(parts) > 2 else ""
    if version != "SIP/2.0":
        version = version.upper()
    if version[:4] != "SIP/":
        raise MessageError("not a SIP message" if line else "no data")
    request = Request(parts[0], " ".join(parts[1:-1]), headers, body, version)
    return request, _flaw_of_request_line(line, parts, version)


def _flaw_of_request_line(line: str, parts: list[str], version: str) -> str:
    if "\n" in line or len(parts) > 3:
        return "white space in the Request-URI"
    if not is_token(parts[0]):
        return "the method is not a token"
    return "" if version == "SIP/2.0" or _VERSION.fullmatch(version) else "bad SIP version"


def _read_status_line(line: str, headers: Headers, body: bytes) -> Response:
    version, _, rest = line.partition(" ")
    if rest[:1] in " \t":
        rest = rest.lstrip(" \t")
    code = _STATUS_CODES.get(rest[:3])
    if code is None or rest[3:4] not in ("", " ") or "\n" in line:
        raise MessageError("bad status line")
    return Response(code, rest[4:], headers, body, version if version == "SIP/2.0" else version.upper())


def _check_core(message: Request | Response, texts: Sequence[str]) -> None:
    """Refuse a message without the fields that every message has (RFC 3261 section 8.1.1), and remember their keys."""
    keys = message.headers._keys
    request = message if isinstance(message, Request) else None
    try:
        message.headers._views = _read_core(keys, texts)
        if request is not None:
            check_uri(request.uri)
    except (HeaderError, UriError) as error:
        _refuse(message, str(error))
    if len(set(keys)) != len(keys):
        _check_once(message)
    if request is not None and request.cseq.method != request.method:
        _refuse(message, f"CSeq says {request.cseq.method}")


def _read_core(keys: list[str], texts: Sequence[str]) -> dict[str, Any]:
    """What the views of a message will be asked for first, read in one go; HeaderError when a field is missing."""
    try:
        core = [texts[keys.index(name)] for name in _CORE]
    except ValueError:
        missing = [name for name in ("Via", "Call-ID", "CSeq", "From", "To") if name.lower() not in keys]
        raise HeaderError(f"no {', no '.join(missing)}") from None
    via, call_id, cseq, from_, to = [
        _value(text) if "\n" in text or "\r" in text else text.strip(" \t") for text in core
    ]
    views = {
        "branch": via_branch(via),
        "call-id": call_id,
        "cseq": CSeq.parse(cseq),
        "from-tag": name_addr_tag(from_),
        "to-tag": name_addr_tag(to),
    }
    if not call_id:
        raise HeaderError("empty Call-ID")
    return views


def _check_once(message: Request | Response) -> None:
    """Refuse fields that come twice and may not: nobody can know which one is meant (RFC 4475 section 3.3.8)."""
    for name in _ONCE:
        if message.headers._keys.count(name) > 1:
            _refuse(message, f"more than one {name}")
    if len(set(message.headers.get_all("Content-Length"))) > 1:
        _refuse(message, "Content-Length says two things")


def _cut_body(message: Request | Response, texts: Sequence[str]) -> None:
    """Cut the body to Content-Length; refuse one that is shorter (RFC 3261 section 18.3)."""
    keys = message.headers._keys
    if "content-length" not in keys:
        return
    said = _value(texts[keys.index("content-length")])
    if said == str(len(message.body)):
        return
    if not said.isascii() or not said.isdigit() or len(said) > 10:
        _refuse(message, f"bad Content-Length: {said[:80]}")
    length = int(said)
    if length > len(message.body):
        _refuse(message, f"Content-Length is {length}, the body has {len(message.body)} bytes")
    if length < len(message.body):
        message.body = message.body[:length]
