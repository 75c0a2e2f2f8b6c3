"""Values over a stream socket: a length, then the value pickled. Both ends are processes of the same run."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 20


class ChannelClosedError(Exception):
    """The other end is gone."""


class Channel:
    """One end. Sending waits until the other end has room; receiving takes what is there."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._buffer = bytearray()

    def fileno(self) -> int:
        """To watch for reading."""
        return self._socket.fileno()

    def send(self, value: Any) -> None:
        """Send a value; raises `ChannelClosedError`."""
        data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise ChannelClosedError from error

    def receive(self) -> list[Any]:
        """Wait for data unless some is there, and give the values that are whole; raises `ChannelClosedError`."""
        try:
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            raise ChannelClosedError from error
        if not data:
            raise ChannelClosedError
        self._buffer += data
        return list(self._whole())

    def _whole(self) -> list[Any]:
        values = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            values.append(pickle.loads(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
        return values

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
