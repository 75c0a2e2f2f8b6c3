"""Security descriptions of media: `a=crypto` lines as values (RFC 4568)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final, Self

from sipflow.media_params import SRTP_KEY_BYTES
from sipflow.sdp.session import SdpError
from sipflow.values import dataclass

# crypto-attribute = "a=crypto:" tag 1*WSP crypto-suite 1*WSP key-params *(1*WSP session-param)
# tag = 1*9DIGIT            key-params = key-param *(";" key-param)
_LINE: Final = re.compile(r"([0-9]{1,9})[ \t]++([A-Za-z0-9_]++)[ \t]++([^ \t]++)((?:[ \t]++[^ \t]++)*+)[ \t]*+")
# key-param = "inline:" key-salt ["|" lifetime] ["|" mki-value ":" mki-length]
# lifetime = ["2^"] 1*DIGIT
_KEY: Final = re.compile(
    r"inline:([A-Za-z0-9+/]++={0,2})(?:\|(2\^)?+([0-9]{1,20})(?=\||$))?+(?:\|([0-9]{1,39}):([0-9]{1,3}))?+",
    re.IGNORECASE,
)

_OPTIONAL_MARK: Final = "-"
"""Before a session parameter: it may be passed over by those who do not know it (RFC 4568 section 6.3)."""


@dataclass(frozen=True, slots=True)
class KeyParameter:
    """One `inline:` key (RFC 4568 section 6.1)."""

    key: bytes
    """Master key and master salt."""
    lifetime: int | None = None
    """How many packets it may protect."""
    mki: tuple[int, int] | None = None
    """Master key identifier: its value, and its length in each packet in bytes."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """SdpError when it is none. The text never shows in the error: it may be a key."""
        match = _KEY.fullmatch(text)
        if match is None:
            raise SdpError("a crypto line has a key that cannot be read")
        encoded, power, lifetime, mki, mki_length = match.groups()
        packets = None if lifetime is None else _lifetime(int(lifetime), power is not None)
        return cls(_decode(encoded), packets, None if mki is None else (int(mki), int(mki_length)))

    def __str__(self) -> str:
        lifetime = "" if self.lifetime is None else f"|{_power(self.lifetime)}"
        mki = "" if self.mki is None else f"|{self.mki[0]}:{self.mki[1]}"
        return f"inline:{base64.b64encode(self.key).decode()}{lifetime}{mki}"


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """The value of an `a=crypto` line."""

    tag: int
    """By which the answer names the line of the offer that it takes."""
    suite: str
    keys: tuple[KeyParameter, ...]
    session_parameters: tuple[str, ...] = ()
    """As written: `WSH=128`, `UNENCRYPTED_SRTCP`, `-X=1`."""

    @classmethod
    def parse(cls, value: str) -> Self:
        """SdpError when the value is no crypto line."""
        match = _LINE.fullmatch(value)
        if match is None:
            raise SdpError("a crypto line that cannot be read")
        keys = tuple(KeyParameter.parse(text) for text in match[3].split(";"))
        return cls(int(match[1]), match[2].upper(), keys, tuple(match[4].split()))

    def __str__(self) -> str:
        keys = ";".join(map(str, self.keys))
        return " ".join((str(self.tag), self.suite, keys, *self.session_parameters))

    @property
    def key(self) -> bytes:
        """Of the first, and nearly always only, key."""
        return self.keys[0].key

    def problem(self, suites: tuple[str, ...]) -> str:
        """Why the line cannot be used by somebody who takes these suites, for a person; empty when it can."""
        if self.suite not in SRTP_KEY_BYTES:
            return f"{self.suite} is not known here"
        if self.suite not in suites:
            return f"{self.suite} is not taken here"
        if len(self.keys) > 1 or self.keys[0].mki is not None:
            return f"{self.suite} comes with a master key identifier, which is not supported"
        if len(self.key) != SRTP_KEY_BYTES[self.suite]:
            return f"{self.suite} has a key of {len(self.key)} bytes, it takes {SRTP_KEY_BYTES[self.suite]}"
        refused = next(filter(_must_be_known, self.session_parameters), "")
        return f"{self.suite} asks for {refused}, which is not supported" if refused else ""


def read_crypto_lines(values: Sequence[str]) -> tuple[CryptoLine, ...]:
    """Those of the lines that can be read: one that cannot is as if it were not there (RFC 4568 section 7.1.2)."""
    found = []
    for value in values:
        try:
            found.append(CryptoLine.parse(value))
        except SdpError:
            continue
    return tuple(found)


def _must_be_known(parameter: str) -> bool:
    """The window size is a hint (RFC 4568 section 6.3.7); all others change what packets are."""
    return not parameter.startswith(_OPTIONAL_MARK) and not re.fullmatch(r"WSH=[0-9]{1,5}", parameter, re.IGNORECASE)


def _decode(encoded: str) -> bytes:
    """Padding that is missing, as some phones have it, is made up for."""
    try:
        return base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        raise SdpError("a crypto line has a key that is no base64") from None


def _lifetime(number: int, is_power: bool) -> int:
    if is_power and number > 64:
        raise SdpError(f"a crypto line has a key with a lifetime of 2^{number} packets")
    return int(2**number) if is_power else number


def _power(packets: int) -> str:
    """`2^31` where it is one."""
    return f"2^{packets.bit_length() - 1}" if packets > 1 and packets & (packets - 1) == 0 else str(packets)
