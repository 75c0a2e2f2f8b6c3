"""Why a session description cannot be used, for a person and, by its warn-code, for a machine. Interpreted, since mypyc
makes no classes of texts."""

from __future__ import annotations


class Problem(str):
    """A text with the warn-code of RFC 3261 section 20.43 that fits it."""

    warn_code = 399


class AddressFormat(Problem):
    """One side has IPv4, the other one IPv6."""

    warn_code = 301


class TransportProtocol(Problem):
    """RTP/AVP here, RTP/SAVP there."""

    warn_code = 302


class MediaType(Problem):
    """No audio stream."""

    warn_code = 304


class MediaFormat(Problem):
    """No codec in common."""

    warn_code = 305


class Attribute(Problem):
    """What an attribute says cannot be done: keys of no suite that is taken, no fingerprint."""

    warn_code = 306
