"""Every diagnostic code: its title, what it means, why it matters, an example and what to write instead."""

from __future__ import annotations

from sipflow.lang.codes import flow, media, names, syntax
from sipflow.lang.codes.code import Code

CODES: dict[str, Code] = {row.code: row for part in (syntax, names, flow, media) for row in part.ROWS}
"""All codes that `sipflow check` gives, in the order of their numbers."""

__all__ = ["CODES", "Code"]
