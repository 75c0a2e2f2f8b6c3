"""Every diagnostic code: its title, what it means, why it matters, an example and what to write instead."""

from __future__ import annotations

from sipflow.lang.codes import flow, media, names, run, syntax
from sipflow.lang.codes.code import Code

CODES: dict[str, Code] = {row.code: row for part in (syntax, names, flow, media, run) for row in part.ROWS}
"""All codes, in the order of their numbers."""

OF_RUNS = frozenset(row.code for row in run.ROWS)
"""Those that a run gives, never a check."""

FAMILIES = {
    "SF1": "Syntax",
    "SF2": "Names, kinds and units",
    "SF3": "Order of the call flow",
    "SF4": "Media and files",
    "SF5": "Run time",
    "SF6": "Load",
}
"""What codes that begin so are about."""

__all__ = ["CODES", "FAMILIES", "OF_RUNS", "Code"]
