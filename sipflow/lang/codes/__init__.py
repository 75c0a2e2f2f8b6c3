"""Every diagnostic code: its title, what it means, why it matters, an example and what to write instead."""

from __future__ import annotations

from sipflow.lang.codes import flow, load, media, names, run, syntax
from sipflow.lang.codes.code import Code

CODES: dict[str, Code] = {row.code: row for part in (syntax, names, flow, media, run, load) for row in part.ROWS}
"""All codes, in the order of their numbers."""

OF_RUNS = frozenset(row.code for row in run.ROWS)
"""Those that a run gives, never a check."""

OF_LOADS = frozenset(row.code for row in load.ROWS)
"""Those that a load run gives before its first packet, never a check: they depend on the machine."""

FAMILIES = {
    "SF1": "Syntax",
    "SF2": "Names, kinds and units",
    "SF3": "Order of the call flow",
    "SF4": "Media and files",
    "SF5": "Run time",
    "SF6": "Load",
}
"""What codes that begin so are about."""

__all__ = ["CODES", "FAMILIES", "OF_LOADS", "OF_RUNS", "Code"]
