"""Requirements of a load run that do not stand in a file: those of the command line."""

from __future__ import annotations

from sipflow.ir.expr import Expr
from sipflow.lang.diagnostics import Diagnostic
from sipflow.lang.lower.load import read_requirements
from sipflow.lang.lower.units import read_units
from sipflow.lang.parse import parse


def compile_requirements(text: str, source: str = "--require") -> tuple[tuple[Expr, ...], tuple[Diagnostic, ...], str]:
    """(conditions, diagnostics, the text that the diagnostics speak of) of `setup_time.p99 < 200ms, …`, with `require`
    before it or without. Never raises, whatever `text` is."""
    wanted = text.strip()
    program = f"load {{ {wanted if wanted.startswith('require ') else f'require {wanted}'} }}"
    parsed = parse(program, source)
    unit = read_units(parsed, None)[-1]
    blocks = unit.root.nodes("load")
    found = tuple(
        condition
        for block in blocks
        for item in block.nodes("requirement")
        for condition in read_requirements(item, unit.context)
    )
    return found, (*parsed.diagnostics, *unit.context.report.diagnostics), program
