"""Names that nothing uses (SF321-SF327)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sipflow.ir.span import Span
from sipflow.lang.checks.program import Program
from sipflow.lang.diagnostics import Edit, Fix
from sipflow.lang.source import Source
from sipflow.lang.symbols import Occurrence, Symbol, SymbolKind

_GIVEN = r"\b(?:let|as)\s+$"
"""What stands before a name that gets a value."""
_LET = r"\blet\s+$"
_IMPORT = re.compile(r'^[ \t]*(import[ \t]+"([^"\\\n$]+)")', re.MULTILINE)
_BEFORE = 40
"""So many characters before a name are looked at."""


def check_unused(program: Program) -> None:
    """Report what is declared in the file itself and used nowhere; what is imported may be for others."""
    uses = _Uses(program)
    for symbol, occurrence in uses.declared.items():
        if occurrence.span.source == uses.main.name:
            uses.check(symbol, occurrence.span)
    if len(program.context.sources) > 1:
        uses.check_imports()


class _Uses:
    def __init__(self, program: Program) -> None:
        self.context = program.context
        self.report = program.context.report
        self.main: Source = self.report.source
        self.declared: dict[Symbol, Occurrence] = {}
        self.used: set[Symbol] = set()
        self.used_in_main: set[Symbol] = set()
        self.read_names: set[str] = set()
        """Variables that are read anywhere, by name: a definition may read what the lane that calls it has."""
        for occurrence in program.context.symbols.occurrences.values():
            self._note(occurrence)

    def _note(self, occurrence: Occurrence) -> None:
        symbol = occurrence.symbol
        if occurrence.declares:
            self.declared.setdefault(symbol, occurrence)
            return
        if symbol.kind is SymbolKind.VARIABLE and re.search(_GIVEN, self._before(occurrence.span)):
            return
        self.used.add(symbol)
        self.read_names.add(symbol.name)
        if occurrence.span.source == self.main.name:
            self.used_in_main.add(symbol)

    def _before(self, span: Span) -> str:
        source = self.context.sources.get(span.source, self.main)
        return source.text[max(0, span.start - _BEFORE) : span.start]

    def check(self, symbol: Symbol, where: Span) -> None:
        """Whether anything uses a name."""
        if self.context.is_doubtful(symbol.name):
            return
        if symbol.kind is SymbolKind.VARIABLE:
            self._check_variable(symbol, where)
        elif symbol.kind is SymbolKind.TABLE:
            self._check_table(symbol, where)
        elif symbol.kind in _UNUSED and symbol not in self.used:
            code, what, label = _UNUSED[symbol.kind]
            fix = self._removal(where, "label") if symbol.kind is SymbolKind.LABEL else None
            self.report.warning(code, what.format(symbol.name), where, label, fix=fix)

    def _check_variable(self, symbol: Symbol, where: Span) -> None:
        if symbol.name in self.read_names or not re.search(_LET, self._before(where)):
            return
        message = f"nothing reads the variable `{symbol.name}`"
        self.report.warning("SF323", message, where, "gets a value in vain", fix=self._removal(where, "let"))

    def _check_table(self, symbol: Symbol, where: Span) -> None:
        """The table as a whole, else those of its columns that nothing speaks of."""
        if symbol in self.used:
            self._check_columns(symbol.name, where)
        else:
            help_text = f"`${{{symbol.name}.COLUMN}}` is the value of a column"
            message = f"nothing uses the table `{symbol.name}`"
            self.report.warning("SF324", message, where, "its rows have no effect", help=help_text)

    def _check_columns(self, table: str, where: Span) -> None:
        known = self.context.tables.get(table)
        columns = (known and known.columns) or ()
        idle = [name for name in columns if Symbol(SymbolKind.COLUMN, name, table) not in self.used]
        if idle:
            names = ", ".join(f"`{name}`" for name in idle)
            message = f"nothing uses {'the column' if len(idle) == 1 else 'the columns'} {names} of `{table}`"
            help_text = f"`${{{table}.{idle[0]}}}` is its value in a lane"
            self.report.warning("SF327", message, where, "not all of a row has an effect", help=help_text)

    def _removal(self, where: Span, word: str) -> Fix | None:
        """The fix that leaves a statement out which stands alone on its line."""
        number = where.line
        start = self.main.line_starts[number - 1]
        end = self.main.line_starts[number] if number < len(self.main.line_starts) else len(self.main.text)
        line = self.main.line(number)
        if not re.fullmatch(rf"\s*{word}\s+\w+(?:\s*=[^#;{{}}(\[\"]*(?:\"[^\"\\$]*\")?)?\s*(?:#.*)?", line):
            return None
        return Fix(f"remove the `{word}`", (Edit(self.main.span(start, end), ""),))

    # --- imports ---------------------------------------------------------------------------------------------------

    def check_imports(self) -> None:
        """SF326."""
        needed = {self.declared[symbol].span.source for symbol in self.used_in_main if symbol in self.declared}
        for where, source in self._imports():
            if source.name not in needed and not _IMPORT.search(source.text):
                message = f"nothing of `{source.name}` is used"
                self.report.warning("SF326", message, where, "this import has no effect")

    def _imports(self) -> Iterator[tuple[Span, Source]]:
        known = {posixpath.normpath(source.name): source for source in self.context.sources.values()}
        folder = posixpath.dirname(self.main.name)
        for found in _IMPORT.finditer(self.main.text):
            source = known.get(posixpath.normpath(posixpath.join(folder, found.group(2))))
            if source is not None and source is not self.main:
                yield self.main.span(found.start(1), found.end(1)), source


_UNUSED: dict[SymbolKind, tuple[str, str, str]] = {
    SymbolKind.DEFINITION: ("SF321", "nothing calls `{}`", "this sequence is never done"),
    SymbolKind.PARAMETER: ("SF322", "the parameter `{}` is not used", "has no effect"),
    SymbolKind.LABEL: ("SF325", "nothing goes to the label `{}`", "has no effect"),
}
