"""SRTP and SRTCP in the words of RFC 3711 and RFC 7714: the oracle of what libsrtp makes of our packets."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LABELS = {"cipher": 0, "auth": 1, "salt": 2, "rtcp cipher": 3, "rtcp auth": 4, "rtcp salt": 5}
"""RFC 3711 section 4.3.1 and 4.3.2."""

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4),
    "AEAD_AES_128_GCM": (16, 12, 0),
    "AEAD_AES_256_GCM": (32, 12, 0),
}
"""Bytes of master key, master salt and HMAC tag of RTP; RTCP's tag has 10 bytes where RTP's has any."""


def xor(one: bytes, other: bytes) -> bytes:
    """Both as numbers, the shorter one aligned to the right."""
    length = max(len(one), len(other))
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(length, "big")


def keystream(key: bytes, iv: bytes, length: int) -> bytes:
    """AES in counter mode from this block on (RFC 3711 section 4.1.1)."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return encryptor.update(bytes(length)) + encryptor.finalize()


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """A session key (RFC 3711 section 4.3.1), of a key derivation rate of 0."""
    salt = master_salt.ljust(14, b"\0")
    return keystream(master_key, xor(salt, (label << 48).to_bytes(14, "big")) + b"\0\0", length)


@dataclass(frozen=True)
class TwinStream:
    """One direction under one master key and salt."""

    suite: str
    key: bytes

    @cached_property
    def sizes(self) -> tuple[int, int, int]:
        """Master key, master salt, HMAC tag."""
        return SUITES[self.suite]

    def session(self, label: str, length: int) -> bytes:
        """A session key."""
        key_bytes = self.sizes[0]
        return derive(self.key[:key_bytes], self.key[key_bytes:], LABELS[label], length)

    def protect(self, packet: bytes, roc: int = 0) -> bytes:
        """An RTP packet without CSRC and extension."""
        header, payload = packet[:12], packet[12:]
        ssrc, sequence = header[8:12], header[2:4]
        index = roc.to_bytes(4, "big") + sequence
        if self.sizes[2] == 0:
            return header + self._gcm("", b"\0\0" + ssrc + index, payload, header)
        cipher = header + self._counter("", ssrc + index, payload)
        return cipher + self._tag("auth", cipher + roc.to_bytes(4, "big"), self.sizes[2])

    def protect_rtcp(self, packet: bytes, index: int) -> bytes:
        """A compound RTCP packet."""
        header, rest = packet[:8], packet[8:]
        flagged = (index | 1 << 31).to_bytes(4, "big")
        if self.sizes[2] == 0:
            iv = b"\0\0" + header[4:8] + b"\0\0" + index.to_bytes(4, "big")
            return header + self._gcm("rtcp ", iv, rest, header + flagged) + flagged
        cipher = header + self._counter("rtcp ", header[4:8] + b"\0\0" + index.to_bytes(4, "big"), rest) + flagged
        return cipher + self._tag("rtcp auth", cipher, 10)

    def _counter(self, group: str, place: bytes, text: bytes) -> bytes:
        """AES-CM: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16."""
        salt = self.session(f"{group}salt", 14)
        return xor(text, keystream(self.session(f"{group}cipher", 16), xor(salt, place) + b"\0\0", len(text)))

    def _gcm(self, group: str, place: bytes, text: bytes, associated: bytes) -> bytes:
        iv = xor(self.session(f"{group}salt", 12), place)
        return AESGCM(self.session(f"{group}cipher", self.sizes[0])).encrypt(iv, text, associated)

    def _tag(self, label: str, text: bytes, length: int) -> bytes:
        return hmac.new(self.session(label, 20), text, hashlib.sha1).digest()[:length]
