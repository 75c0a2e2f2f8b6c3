"""Messages out of a stream of bytes, however it is cut (RFC 3261 section 18.3, RFC 5626 section 4.4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sipflow.errors import ProtocolError

MAX_HEAD = 65_536
"""Bytes of a start line with all header fields; who sends more without an end is no SIP peer."""

MAX_MESSAGE = 1_048_576
"""Bytes of a message with its body: more than any session description, less than what hurts."""

PING = b"\r\n\r\n"
PONG = b"\r\n"

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", re.IGNORECASE)


class FramingError(ProtocolError):
    """Nobody can tell where the next message begins: the connection is of no use any more."""


class Framer:
    """Takes bytes as they come and gives whole messages. A keep-alive is given as PING or PONG: four bytes that a
    client sends between messages, two that the server answers."""

    def __init__(self, max_head: int = MAX_HEAD, max_message: int = MAX_MESSAGE) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._needed = 0
        self._max_head = max_head
        self._max_message = max_message

    @property
    def in_message(self) -> bool:
        """Whether a message has begun and is not complete."""
        return not PING.startswith(self._buffer[:4])

    def feed(self, data: bytes) -> Iterator[bytes]:
        """All that is complete now; raises FramingError."""
        self._buffer += data
        while self._buffer:
            unit = self._keep_alive() or self._message()
            if not unit:
                return
            yield unit

    def _keep_alive(self) -> bytes:
        """Line ends between messages: two of them are a ping, one that something follows is a pong."""
        buffer = self._buffer
        if buffer.startswith(PING):
            del buffer[:4]
            return PING
        if buffer.startswith(PONG) and len(buffer) > 2 and not PING.startswith(buffer[:4]):
            del buffer[:2]
            return PONG
        return b""

    def take_pong(self) -> bool:
        """Whether a line end is all that waits; it is taken. Only who sent a ping knows that it is the pong."""
        if self._buffer != PONG:
            return False
        self._buffer.clear()
        return True

    def _message(self) -> bytes:
        buffer = self._buffer
        if PING.startswith(buffer[:4]):
            return b""
        if not self._needed:
            self._needed = self._length()
        if not self._needed or len(buffer) < self._needed:
            return b""
        message = bytes(buffer[: self._needed])
        del buffer[: self._needed]
        self._needed = self._searched = 0
        return message

    def _length(self) -> int:
        """Bytes of the message that begins the buffer, 0 while its head is not complete."""
        end = self._buffer.find(b"\r\n\r\n", max(self._searched - 3, 0))
        self._searched = len(self._buffer)
        if (end if end >= 0 else self._searched) > self._max_head:
            raise FramingError(f"no end of the header fields within {self._max_head} bytes")
        if end < 0:
            return 0
        length = end + 4 + _content_length(self._buffer[: end + 2])
        if length > self._max_message:
            raise FramingError(f"a message of {length} bytes: more than {self._max_message} are not taken")
        return length


def _content_length(head: bytearray) -> int:
    """Bytes of the body; none when nothing is said, although a stream needs it said (RFC 3261 section 20.14)."""
    values = {match[1] for match in _LENGTH.finditer(head)}
    if not values:
        return 0
    text = values.pop()
    if values or not text.isdigit() or len(text) > 9:
        raise FramingError(f"no usable Content-Length: {text[:20].decode('latin-1')}")
    return int(text)
