"""What turns the bytes of a connection into messages and back: SIP's own framing, or WebSocket (RFC 7118)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from sipflow.sip.framing import MAX_MESSAGE, PING, PONG, Framer, FramingError

SUBPROTOCOL = "sip"
"""RFC 7118 section 4.1."""


class Codec(Protocol):
    """One connection's way to write messages."""

    ready: bool
    """Whether messages can be written: any handshake is done."""
    closed: bool
    """Whether the peer said goodbye, or was refused."""
    heard_pong: bool
    """Whether the peer ever answered a ping."""

    @property
    def in_message(self) -> bool:
        """Whether a message or a handshake has begun and is not complete."""

    def start(self) -> bytes:
        """What a client says first."""

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Messages that are complete with these bytes; raises FramingError."""

    def replies(self) -> bytes:
        """What has to be written because of what came."""

    def wrap(self, message: bytes) -> bytes:
        """A message as it is written."""

    def ping(self) -> bytes:
        """A keep-alive."""


class StreamCodec:
    """SIP over TCP or TLS (RFC 3261 section 18.3) with the keep-alive of RFC 5626 section 4.4.1."""

    def __init__(self, client: bool) -> None:
        self._framer = Framer()
        self._client = client
        self._replies = b""
        self.ready = True
        self.closed = False
        self.heard_pong = False

    @property
    def in_message(self) -> bool:
        """Whether a message has begun."""
        return self._framer.in_message

    def start(self) -> bytes:
        """Nothing."""
        return b""

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Whole messages; pings are answered, pongs noted."""
        for unit in self._framer.feed(data):
            if unit == PING:
                self._replies += PONG
            elif unit == PONG:
                self.heard_pong = True
            else:
                yield unit
        if self._client and self._framer.take_pong():
            self.heard_pong = True

    def replies(self) -> bytes:
        """Pongs."""
        replies, self._replies = self._replies, b""
        return replies

    def wrap(self, message: bytes) -> bytes:
        """As it is."""
        return message

    def ping(self) -> bytes:
        """Two line ends."""
        return PING


class WebSocketCodec:
    """One SIP message in each WebSocket message, text or binary (RFC 7118 section 5)."""

    def __init__(self, client: bool, host: str) -> None:
        self._connection = WSConnection(ConnectionType.CLIENT if client else ConnectionType.SERVER)
        self._host = host
        self._replies = b""
        self._parts = bytearray()
        self.ready = False
        self.closed = False
        self.heard_pong = True  # a WebSocket has to answer (RFC 6455 section 5.5.2)

    @property
    def in_message(self) -> bool:
        """Whether the handshake or a message in several frames has begun."""
        return not self.ready or bool(self._parts)

    def start(self) -> bytes:
        """The HTTP request."""
        return self._connection.send(Request(host=self._host, target="/", subprotocols=[SUBPROTOCOL]))

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Whole messages; handshake, pings and goodbyes are answered."""
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                message = self._take(event)
                if message:
                    yield message
        except (RemoteProtocolError, LocalProtocolError) as error:
            raise FramingError(f"no WebSocket: {error}") from error

    def replies(self) -> bytes:
        """Answers to what came."""
        replies, self._replies = self._replies, b""
        return replies

    def wrap(self, message: bytes) -> bytes:
        """A text frame where the message is text, else a binary one."""
        try:
            return self._connection.send(TextMessage(message.decode()))
        except UnicodeDecodeError:
            return self._connection.send(BytesMessage(message))

    def ping(self) -> bytes:
        """A ping frame."""
        return self._connection.send(Ping())

    def _take(self, event: Event) -> bytes:
        match event:
            case Request(subprotocols=offered):
                self._shake_hands(SUBPROTOCOL in offered)
            case AcceptConnection(subprotocol=subprotocol):
                if subprotocol != SUBPROTOCOL:
                    raise FramingError("the WebSocket server speaks no SIP: it did not take the subprotocol")
                self.ready = True
            case RejectConnection(status_code=code):
                raise FramingError(f"the WebSocket server refused with {code}")
            case Message(data=part, message_finished=finished):
                return self._add(part.encode() if isinstance(part, str) else bytes(part), finished)
            case Ping():
                self._replies += self._connection.send(event.response())
            case CloseConnection():
                self._replies += self._connection.send(event.response())
                self.closed = True
            case _:
                pass
        return b""

    def _shake_hands(self, speaks_sip: bool) -> None:
        if speaks_sip:
            self._replies += self._connection.send(AcceptConnection(subprotocol=SUBPROTOCOL))
            self.ready = True
            return
        reason = b"The subprotocol sip is wanted (RFC 7118).\r\n"
        length = [(b"content-length", b"%d" % len(reason))]
        self._replies += self._connection.send(RejectConnection(status_code=400, headers=length, has_body=True))
        self._replies += self._connection.send(RejectData(data=reason))
        self.closed = True

    def _add(self, part: bytes, finished: bool) -> bytes:
        if len(self._parts) + len(part) > MAX_MESSAGE:
            raise FramingError(f"a message of more than {MAX_MESSAGE} bytes")
        self._parts += part
        if not finished:
            return b""
        message = bytes(self._parts)
        self._parts.clear()
        return message if message.strip(b"\r\n") else b""
