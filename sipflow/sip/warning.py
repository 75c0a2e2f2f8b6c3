"""The Warning header: why a session description was not taken (RFC 3261 section 20.43)."""

from __future__ import annotations

import re

from sipflow.problems import Problem
from sipflow.sip.headers import quote_string
from sipflow.sip.message import Response

WARN_TEXTS = {
    300: "Incompatible network protocol",
    301: "Incompatible network address formats",
    302: "Incompatible transport protocol",
    303: "Incompatible bandwidth units",
    304: "Media type not available",
    305: "Incompatible media format",
    306: "Attribute not understood",
    307: "Session description parameter not understood",
    330: "Multicast not available",
    331: "Unicast not available",
    370: "Insufficient bandwidth",
    399: "Miscellaneous warning",
}
"""The beginnings that the RFC suggests; behind them stands what is wrong with this one."""

# warning-value = warn-code SP warn-agent SP warn-text, the text a quoted-string; peers leave out the agent, too.
_VALUE = re.compile(r'(\d{3})(?:[ \t]+[^\s",]+)?[ \t]+("(?:[^"\\]|\\.)*")')

_NAMES_WHAT = {420: "Unsupported", 421: "Require"}
"""Header fields that name what these responses are about (RFC 3261 sections 21.4.14 and 21.4.15)."""

_SHOWN = 3
"""Warnings of one response that are told."""

_LONGEST = 200
"""Characters of a warning that are told."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def warning_value(host: str, problem: str) -> str:
    """A Warning of the agent at that address."""
    code = problem.warn_code if isinstance(problem, Problem) else 399
    agent = f"[{host}]" if ":" in host else host
    return f"{code} {agent} {quote_string(_UNPRINTABLE.sub('?', f'{WARN_TEXTS[code]}: {problem}'))}"


def warning_line(host: str, problem: str) -> str:
    """The same as a header line."""
    return f"Warning: {warning_value(host, problem)}\r\n"


def reason_with_warnings(response: Response) -> str:
    """The reason phrase and what the peer warns of: `Not Acceptable Here (warning 305: "no common codec")`, or which
    extension a 420 or 421 is about: `Extension Required (Require: 100rel)`.

    Codes that the RFC does not know are left out: Kamailio's 392 tells process numbers.
    """
    named = _NAMES_WHAT.get(response.status_code)
    if named is not None and named in response.headers:
        return f"{response.reason_phrase} ({named}: {', '.join(response.headers.values(named))[:_LONGEST]})"
    if "Warning" not in response.headers:
        return response.reason_phrase
    values = response.headers.get_all("Warning")
    found = [match for value in values for match in _VALUE.finditer(value) if int(match[1]) in WARN_TEXTS]
    told = "; ".join(f"warning {match[1]}: {match[2][:_LONGEST]}" for match in found[:_SHOWN])
    return f"{response.reason_phrase} ({told})" if told else response.reason_phrase
