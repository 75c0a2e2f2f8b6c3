"""SIP messages: tolerant reading, exact writing, typed views on demand (RFC 3261 section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sipflow.errors import ProtocolError
from sipflow.sip.headers import CSeq, NameAddr, Via


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message is read before it is refused with 513."""

    message_bytes: int = 65_536
    header_fields: int = 256
    header_bytes: int = 8_192


DEFAULT_LIMITS = Limits()


class MessageError(ProtocolError):
    """Bytes that are no SIP message, or one that cannot be processed."""

    def __init__(
        self, problem: str, status_code: int | None = None, partial: Request | Response | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status_code = status_code
        """What a UAS should answer (400, 505, 513); None: discard without an answer (responses, ACK, noise)."""
        self.partial = partial
        """What could be read, its typed views may raise HeaderError; None when not even a start line was found."""


class Headers:
    """Header fields in their order and spelling; look-up ignores case and knows compact forms."""

    __slots__ = ("_keys", "_lines", "_views")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None: ...
    def get(self, name: str) -> str | None: ...
    def get_all(self, name: str) -> list[str]: ...
    def values(self, name: str) -> list[str]: ...
    def add(self, name: str, value: str) -> None: ...
    def set(self, name: str, value: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def insert_first(self, name: str, value: str) -> None:
        """Before the first field of that name; at the very top when there is none."""
    def replace_first(self, name: str, value: str) -> None:
        """Give the first field of that name another value in place; append when there is none."""
    def items(self) -> list[tuple[str, str]]: ...
    def copy(self) -> Headers: ...
    def __contains__(self, name: object) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[str, str]]: ...


class Message:
    """What requests and responses share. Views raise HeaderError where the header is missing or malformed; on a
    message that `parse_message` returned they never do."""

    __slots__ = ("body", "headers")
    headers: Headers
    body: bytes

    @property
    def via(self) -> Via:
        """Top Via."""
    @property
    def branch(self) -> str:
        """Branch of the top Via, empty when it has none (RFC 2543)."""
    @property
    def call_id(self) -> str: ...
    @property
    def cseq(self) -> CSeq: ...
    @property
    def from_(self) -> NameAddr: ...
    @property
    def to(self) -> NameAddr: ...
    @property
    def from_tag(self) -> str:
        """Tag of From, empty when it has none (RFC 2543). Cheaper than `from_.tag`."""
    @property
    def to_tag(self) -> str:
        """Tag of To, empty when it has none."""
    @property
    def content_type(self) -> str:
        """Type and subtype in lower case without parameters, empty when there is no Content-Type."""
    def to_bytes(self, *, fix_content_length: bool = True) -> bytes: ...


class Request(Message):
    """A request (RFC 3261 section 7.1)."""

    __slots__ = ("method", "uri", "version")

    def __init__(
        self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"", version: str = "SIP/2.0"
    ) -> None: ...


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
        """`reason_phrase` None: the RFC's own phrase for the code."""


def parse_message(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Read one datagram. What it returns has well-formed Via, From, To, Call-ID and CSeq; else MessageError."""
    raise NotImplementedError
