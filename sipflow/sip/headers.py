"""Typed header values (RFC 3261 section 20): frozen, `parse`, `parse_many`, `str`.

Texts come unfolded (`sipflow.sip.message.Headers` does that). Reading is tolerant where devices need it and nothing
is lost by it; the writing is always exact. All patterns are possessive: one pass, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Self

from sipflow.errors import ProtocolError
from sipflow.sip.uri import SipUri, UriError, escape_header, parse_uri, unescape
from sipflow.values import dataclass, replace

Parameters = tuple[tuple[str, str | None], ...]
"""Parameters in their order: name as written, value as written (quotes kept), None for a flag."""

REASON_PHRASES: Final[dict[int, str]] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
"""Default reason phrases by status code (registry of RFC 3261 section 27.4 as of 2026)."""

_CLASS_PHRASES: Final = {1: "Progress", 2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error"}


class HeaderError(ProtocolError):
    """A header value that does not follow its grammar, or a header that is missing."""


def reason_phrase(code: int) -> str:
    """The registered phrase of a status code; for an unknown one the name of its class (RFC 3261 section 21)."""
    return REASON_PHRASES.get(code) or _CLASS_PHRASES.get(code // 100, "Global Failure")


# --- lexical parts (RFC 3261 section 25.1) ---
#
# generic-param = token [ EQUAL gen-value ]; gen-value = token / host / quoted-string. A value may be any text without
# separators, since `received=2001:db8::1` comes without brackets too (RFC 5118 section 4.5).

_TOKEN: Final = r"[A-Za-z0-9\-.!%*_+`'~]++"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*+"'
_VALUE: Final = rf'(?:{_QUOTED}|[^ \t\r\n;,"<>]*+)'
_PARAMETER: Final = rf"[ \t]*+;[ \t]*+{_TOKEN}(?:[ \t]*+=[ \t]*+{_VALUE})?+"
_PARAMETERS: Final = rf"(?:{_PARAMETER})*+[ \t]*+"
_HOST: Final = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.\-]*+:"

_TOKEN_PATTERN: Final = re.compile(_TOKEN)
_EACH_PARAMETER: Final = re.compile(rf";[ \t]*+({_TOKEN})(?:[ \t]*+=[ \t]*+({_VALUE}))?+", re.DOTALL)
_ALL_PARAMETERS: Final = re.compile(_PARAMETERS, re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_QUOTED_OR_ANGLED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|<[^>]*+>?', re.DOTALL)

_VIA: Final = re.compile(
    rf"[ \t]*+[Ss][Ii][Pp][ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+({_TOKEN})[ \t]++({_HOST})"
    rf"(?:[ \t]*+:[ \t]*+([0-9]{{1,5}}))?+({_PARAMETERS})",
    re.DOTALL,
)
# name-addr = [ display-name ] LAQUOT addr-spec RAQUOT. An unquoted display name may hold anything but quotes and angle
# brackets: commas and UTF-8 come unquoted from real phones (RFC 4475 section 3.1.2.15 allows to infer the quotes).
_NAME_ADDR: Final = re.compile(
    rf'[ \t]*+(?:({_QUOTED})[ \t]*+|([^"<>]*+))<[ \t]*+({_SCHEME}[^<>]*+)>({_PARAMETERS})', re.DOTALL
)
# Without angle brackets, what follows a semicolon belongs to the header; `?` and `,` may not be (section 20.10).
_ADDR_SPEC: Final = re.compile(rf'[ \t]*+({_SCHEME}[^ \t\r\n;,?<>"]++)({_PARAMETERS})', re.DOTALL)
_CSEQ: Final = re.compile(rf"[ \t]*+([0-9]++)[ \t]++({_TOKEN})[ \t]*+")
_STATUS_LINE: Final = re.compile(r"[Ss][Ii][Pp]/2\.0[ \t]++([1-6][0-9]{2})(?![0-9])[ \t]*+([^\r\n]*+)")
_RETRY_AFTER: Final = re.compile(rf"[ \t]*+([0-9]++)[ \t]*+(?:\(([^()]*+)\))?+({_PARAMETERS})", re.DOTALL)

_LINE_BREAKERS: Final = re.compile(r"[\x00\r\n]")

_NOT_PLAIN: Final = frozenset(("", " ", "\t", '"'))

MAX_CSEQ: Final = 2**32 - 1
"""RFC 3261 section 8.1.1.5 asks for less than 2**31; what fits 32 bits is taken."""


def split_list(text: str, separator: str = ",") -> list[str]:
    """Elements between separators that stand outside quoted strings and angle brackets, without white space around.

    Empty elements are left out, as RFC 3261 section 7.3.1 lets nobody write them and many do.
    """
    if separator not in text:
        parts = [text]
    elif '"' not in text and "<" not in text:
        parts = text.split(separator)
    else:
        parts = _split_outside(text, separator)
    return [stripped for part in parts if (stripped := part.strip(" \t"))]


def _split_outside(text: str, separator: str) -> list[str]:
    parts, start, position = [], 0, 0
    for shielded in _QUOTED_OR_ANGLED.finditer(text):
        while (position := text.find(separator, position, shielded.start())) >= 0:
            parts.append(text[start:position])
            start = position = position + 1
        position = shielded.end()
    while (position := text.find(separator, position)) >= 0:
        parts.append(text[start:position])
        start = position = position + 1
    parts.append(text[start:])
    return parts


def is_token(text: str) -> bool:
    """Whether the text is a token (RFC 3261 section 25.1): a method, a tag, a parameter name."""
    return _TOKEN_PATTERN.fullmatch(text) is not None


def quote_string(text: str) -> str:
    """Text as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote_string(text: str) -> str:
    """Content of a quoted-string; text without quotes as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return _QUOTED_PAIR.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def parse_parameters(text: str) -> Parameters:
    """Parameters of `;a=b;c`; HeaderError when there is anything else."""
    if _ALL_PARAMETERS.fullmatch(text) is None:
        raise HeaderError(f"bad parameters: {_excerpt(text)}")
    return _cut_parameters(text)


def _cut_parameters(text: str) -> Parameters:
    """Parameters of a text that a pattern already found well-formed."""
    if not text:
        return ()
    return tuple([(match[1], match[2]) for match in _EACH_PARAMETER.finditer(text)])


def format_parameters(parameters: Parameters) -> str:
    """Parameters as they stand in a header: `;a=b;c`."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in parameters])


def _find(parameters: Parameters, name: str) -> str | None:
    """Value of a parameter whatever its case, unquoted; empty for a flag, None when it is absent."""
    for key, value in parameters:
        if key == name or key.lower() == name.lower():
            return "" if value is None else unquote_string(value)
    return None


def _with(parameters: Parameters, name: str, value: str | None) -> Parameters:
    """Parameters with one replaced in place, or appended."""
    if not any(key.lower() == name.lower() for key, _ in parameters):
        return (*parameters, (name, value))
    return tuple((key, value if key.lower() == name.lower() else old) for key, old in parameters)


def _number(text: str | None, most: int = 2**32 - 1) -> int | None:
    """A decimal number; None when it is none or more than `most`."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 20:
        return None
    return value if (value := int(text)) <= most else None


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _each(texts: str | Iterable[str]) -> list[str]:
    lines = (texts,) if isinstance(texts, str) else texts
    return [element for line in lines for element in split_list(line)]


# --- the values ---


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a Via header (RFC 3261 section 20.42)."""

    transport: str
    """UDP, TCP, TLS, … as written."""
    host: str
    """Host of sent-by without brackets when it is IPv6."""
    port: int | None = None
    """Port of sent-by; None when the default applies."""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """One hop; HeaderError when the text is anything else."""
        match = _VIA.fullmatch(text)
        if match is None:
            raise HeaderError(f"bad Via: {_excerpt(text)}")
        transport, host, port, parameters = match.groups()
        if port is not None and int(port) > 65_535:
            raise HeaderError(f"bad Via port: {port}")
        return cls(
            transport,
            host[1:-1] if host[0] == "[" else host,
            None if port is None else int(port),
            _cut_parameters(parameters),
        )

    @classmethod
    def parse_many(cls, texts: str | Iterable[str]) -> list[Self]:
        """All hops of one or more header lines, topmost first."""
        return [cls.parse(element) for element in _each(texts)]

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {_host_port(self.host, self.port)}{format_parameters(self.parameters)}"

    @property
    def sent_by(self) -> str:
        """`host[:port]` in lower case, fit for comparing (RFC 3261 section 17.2.3)."""
        return _host_port(self.host, self.port).lower()

    @property
    def branch(self) -> str:
        """Empty when there is none."""
        return _find(self.parameters, "branch") or ""

    @property
    def received(self) -> str | None:
        """Address the request came from, without brackets; None when absent."""
        value = _find(self.parameters, "received")
        return None if value is None else value.strip("[]")

    @property
    def rport(self) -> int | None:
        """Port the request came from (RFC 3581); None when absent or not filled in yet."""
        return _number(_find(self.parameters, "rport"), 65_535)

    @property
    def wants_rport(self) -> bool:
        """Whether the parameter is there at all, filled in or not (RFC 3581 section 3)."""
        return _find(self.parameters, "rport") is not None

    @property
    def response_target(self) -> tuple[str, int]:
        """Host and port a response is sent to over UDP (RFC 3261 section 18.2.2, RFC 3581 section 4)."""
        maddr = _find(self.parameters, "maddr")
        if maddr:
            return maddr.strip("[]"), self.port or 5060
        return self.received or self.host, self.rport or self.port or 5060

    def parameter(self, name: str) -> str | None:
        """Value of a parameter whatever its case; empty text for a flag, None when it is absent."""
        return _find(self.parameters, name)

    def with_parameter(self, name: str, value: str | None) -> Self:
        """The same hop with a parameter replaced in place or appended; None makes a flag of it."""
        return replace(self, parameters=_with(self.parameters, name, value))


def _host_port(host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def via_branch(text: str) -> str:
    """Branch of the top hop of a Via line, empty when it has none; HeaderError when any of its hops is malformed."""
    match = _VIA.fullmatch(text)
    if match is not None and (match[3] is None or len(match[3]) < 5):
        return _quick_parameter(match[4], "branch")
    hops = Via.parse_many(text)
    if not hops:
        raise HeaderError("empty Via")
    return hops[0].branch


def _quick_parameter(text: str, name: str) -> str:
    """Value of one of well-formed parameters, without making the list of them when it is plainly written."""
    before, found, after = text.partition(f";{name}=")
    # Plainly: it is a token right after the equals sign, and nothing in front could be the same parameter.
    if found and after[:1] not in _NOT_PLAIN and (not before or ('"' not in before and name not in before.lower())):
        value = after.partition(";")[0] if ";" in after else after
        return value.rstrip(" \t") if value[-1:] in " \t" else value
    return _find(_cut_parameters(text), name) or ""


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with a name and parameters: From, To, Contact, Refer-To, Route, Record-Route (section 20.10)."""

    uri: str
    """Text of the URI; `*` in a Contact that removes all bindings (section 10.2.2)."""
    display_name: str = ""
    """Without quotes and escapes."""
    parameters: Parameters = ()
    """Parameters of the header, not of the URI."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """One address, with or without angle brackets; HeaderError when the text is anything else."""
        match = _NAME_ADDR.fullmatch(text)
        if match is not None:
            quoted, plain, uri, parameters = match.groups()
            name = plain.rstrip(" \t") if quoted is None else unquote_string(quoted)
            return cls(uri.rstrip(" \t"), name, _cut_parameters(parameters))
        match = _ADDR_SPEC.fullmatch(text)
        if match is not None:
            return cls(match[1], "", _cut_parameters(match[2]))
        if text.strip(" \t") == "*":
            return cls("*")
        raise HeaderError(f"bad address: {_excerpt(text)}")

    @classmethod
    def parse_many(cls, texts: str | Iterable[str]) -> list[Self]:
        """All addresses of one or more header lines."""
        return [cls.parse(element) for element in _each(texts)]

    def __str__(self) -> str:
        if self.uri == "*":
            return "*"
        name = f"{quote_string(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_parameters(self.parameters)}"

    @property
    def tag(self) -> str | None:
        """Tag of a From or To; None when there is none (RFC 2543)."""
        return _find(self.parameters, "tag")

    def parameter(self, name: str) -> str | None:
        """Value of a parameter whatever its case, unquoted; empty text for a flag, None when it is absent."""
        return _find(self.parameters, name)

    def with_parameter(self, name: str, value: str | None) -> Self:
        """The same address with a parameter replaced in place or appended; None makes a flag of it."""
        return replace(self, parameters=_with(self.parameters, name, value))

    def with_tag(self, tag: str) -> Self:
        """The same address with another tag."""
        return self.with_parameter("tag", tag)


def name_addr_tag(text: str) -> str:
    """Tag of a From or To, empty when it has none; HeaderError when the text is no address."""
    match = _NAME_ADDR.fullmatch(text)
    if match is not None:
        parameters = match[4]
    elif (match := _ADDR_SPEC.fullmatch(text)) is not None:
        parameters = match[2]
    else:
        raise HeaderError(f"bad address: {_excerpt(text)}")
    return _quick_parameter(parameters, "tag") if parameters else ""


@dataclass(frozen=True, slots=True)
class CSeq:
    """Command sequence (RFC 3261 section 20.16)."""

    number: int
    """0 to 2**32 - 1."""
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """HeaderError unless the text is a number that fits 32 bits and a method."""
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise HeaderError(f"bad CSeq: {_excerpt(text)}")
        number, method = match.groups()
        if len(number) > 20 or int(number) > MAX_CSEQ:
            raise HeaderError(f"CSeq number does not fit 32 bits: {_excerpt(number)}")
        return cls(int(number), method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that a new INVITE takes the place of (RFC 3891 section 6.1)."""

    call_id: str
    to_tag: str
    """Tag of the receiver of the INVITE in that dialog: its local tag."""
    from_tag: str
    """Tag of that dialog's other side."""
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """HeaderError unless there are a Call-ID and both tags."""
        call_id, semicolon, rest = text.partition(";")
        parameters = parse_parameters(semicolon + rest)
        to_tag, from_tag = _find(parameters, "to-tag"), _find(parameters, "from-tag")
        if not call_id.strip(" \t") or to_tag is None or from_tag is None:
            raise HeaderError(f"bad Replaces: {_excerpt(text)}")
        return cls(call_id.strip(" \t"), to_tag, from_tag, _find(parameters, "early-only") is not None)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Target of a REFER with the headers embedded in its URI (RFC 3515 section 2.1, RFC 3891 section 4)."""

    uri: str
    """Text of the URI without the embedded headers."""
    replaces: Replaces | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Other embedded headers in their order, unescaped. They come from a stranger: judge before using them
    (RFC 3261 section 19.1.5)."""
    display_name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """HeaderError when the text is no address, or an embedded header is malformed or would break a line."""
        # Phones leave out the angle brackets that a `?` calls for; nothing else could be meant here.
        address = NameAddr(text.strip(" \t")) if "<" not in text and "?" in text else NameAddr.parse(text)
        try:
            uri = parse_uri(address.uri)
        except UriError as error:
            raise HeaderError(f"bad Refer-To: {error}") from error
        if not isinstance(uri, SipUri):
            return cls(address.uri, display_name=address.display_name)
        embedded = [(_embedded(name), _embedded(value)) for name, value in uri.headers]
        replaces = next((Replaces.parse(value) for name, value in embedded if name.lower() == "replaces"), None)
        others = tuple(header for header in embedded if header[0].lower() != "replaces")
        return cls(str(uri.without_headers()), replaces, others, address.display_name)

    def __str__(self) -> str:
        own = [("Replaces", str(self.replaces))] if self.replaces else []
        pairs = [f"{escape_header(name)}={escape_header(value)}" for name, value in [*own, *self.headers]]
        uri = f"{self.uri}?{'&'.join(pairs)}" if pairs else self.uri
        return str(NameAddr(uri, self.display_name))


def _embedded(text: str) -> str:
    """A part of an embedded header, unescaped: never one that would start a line of its own in a message."""
    plain = unescape(text)
    if _LINE_BREAKERS.search(plain):
        raise HeaderError(f"an embedded header holds a line break: {_excerpt(text)}")
    return plain


@dataclass(frozen=True, slots=True)
class StatusLine:
    """Status line of a message/sipfrag body (RFC 3420, RFC 3515 section 2.4.5): `SIP/2.0 200 OK`."""

    code: int
    """100-699."""
    reason: str = ""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read the first line; HeaderError when it is no status line."""
        shown = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
        match = _STATUS_LINE.match(shown.lstrip(" \t\r\n"))
        if match is None:
            raise HeaderError(f"not a status line: {_excerpt(shown)}")
        return cls(int(match[1]), match[2].rstrip(" \t"))

    def __str__(self) -> str:
        return f"SIP/2.0 {self.code} {self.reason}"


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """State of a subscription in a NOTIFY (RFC 6665 section 4.1.3)."""

    state: str
    """active, pending, terminated or an extension, in lower case."""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """HeaderError when there is no state."""
        state, semicolon, rest = text.partition(";")
        state = state.strip(" \t")
        if not is_token(state):
            raise HeaderError(f"bad Subscription-State: {_excerpt(text)}")
        return cls(state.lower(), parse_parameters(semicolon + rest))

    def __str__(self) -> str:
        return self.state + format_parameters(self.parameters)

    @property
    def expires(self) -> int | None:
        """Seconds that are left of the subscription."""
        return _number(_find(self.parameters, "expires"))

    @property
    def reason(self) -> str | None:
        """Why it was terminated: noresource, timeout, giveup, …"""
        return _find(self.parameters, "reason")


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """When to try again (RFC 3261 section 20.33)."""

    seconds: int
    comment: str = ""
    """Without its parentheses."""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """HeaderError unless the text starts with a number of seconds that fits 32 bits."""
        match = _RETRY_AFTER.fullmatch(text)
        seconds = _number(match[1]) if match else None
        if match is None or seconds is None:
            raise HeaderError(f"bad Retry-After: {_excerpt(text)}")
        return cls(seconds, match[2] or "", _cut_parameters(match[3]))

    def __str__(self) -> str:
        comment = f" ({self.comment})" if self.comment else ""
        return f"{self.seconds}{comment}{format_parameters(self.parameters)}"
