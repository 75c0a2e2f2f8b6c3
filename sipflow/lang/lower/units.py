"""The texts of a program: the one that is compiled, and those that it imports."""

from __future__ import annotations

import posixpath
import re

from sipflow.lang.diagnostics import Reporter, closest, has_errors, replace
from sipflow.lang.files import FileProblem, Files
from sipflow.lang.lower.context import Context
from sipflow.lang.parse import ParseResult, parse
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass

MAX_IMPORTS = 100
_UNREADABLE = ("SF103", "SF104", "SF106")
_UNREAD = ("SF101", "SF104", "SF107")
"""Syntax errors behind which any amount of text may be missing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One text."""

    parsed: ParseResult
    context: Context
    imported: bool

    @property
    def root(self) -> Node:
        """Its syntax."""
        return self.parsed.tree.root


def read_units(parsed: ParseResult, files: Files | None) -> tuple[Unit, ...]:
    """The units of a program, every text once, what is imported before what imports it; the last is `parsed` itself."""
    report = Reporter(parsed.source)
    loader = _Loader(files, parsed.source.name)
    loader.load_imports(parsed, report)
    texts = [*loader.found, parsed]
    main = Context(report, files)
    main.all_doubtful = loader.incomplete or any(diagnostic.code in _UNREAD for diagnostic in parsed.diagnostics)
    contexts = [*(main.beside(report.beside(text.source)) for text in loader.found), main]
    for text, context in zip(texts, contexts, strict=True):
        _doubt(text, context)
    return tuple(Unit(text, context, text is not parsed) for text, context in zip(texts, contexts, strict=True))


def _doubt(parsed: ParseResult, context: Context) -> None:
    context.sources[parsed.source.name] = parsed.source
    context.repaired += [diagnostic.span.start for diagnostic in parsed.diagnostics]
    context.unreadable |= {found.span.start for found in parsed.diagnostics if found.code in _UNREADABLE}
    for start, end in parsed.tree.broken:
        context.doubtful.update(re.findall(r"\w+", parsed.source.text[start:end]))


class _Loader:
    def __init__(self, files: Files | None, main: str) -> None:
        self.files = files
        self.names = {posixpath.normpath(main)}
        self.found: list[ParseResult] = []
        self.incomplete = False
        """Whether names may be missing because a text is."""

    def load_imports(self, parsed: ParseResult, report: Reporter) -> None:
        """Load what a text imports, depth first."""
        for node in parsed.tree.root.nodes("import_file"):
            token = node.token("STRING", "RAW")
            assert token is not None, "the grammar has a string here"
            self._load(token, parsed, report)

    def _load(self, token: Token, importer: ParseResult, report: Reporter) -> None:
        path = self._path(token, importer, report)
        if self.files is None or path is None:
            self.incomplete = True
            return
        found = self.files.text(path, importer.source.name)
        if isinstance(found, FileProblem):
            self._missing(found, token, path, report)
        elif posixpath.normpath(found.name) not in self.names:
            self.names.add(posixpath.normpath(found.name))
            if len(self.names) > MAX_IMPORTS:
                self._too_many(token, report)
                return
            parsed = parse(found.text, found.name)
            self.incomplete = self.incomplete or any(found.code in _UNREAD for found in parsed.diagnostics)
            self.load_imports(parsed, report.beside(parsed.source))
            self.found.append(parsed)

    def _path(self, token: Token, importer: ParseResult, report: Reporter) -> str | None:
        """The name of a file as it is written; None when that is no constant."""
        if token.kind == "RAW":
            return token.text[3:-3]
        if any(found.span.start == token.start for found in importer.diagnostics):
            return None
        if "\\" in token.text or "${" in token.text:
            where = report.source.span(token.start, token.end)
            report.error(
                "SF218", "the name of a file to import must be constant", where, "no `${…}` and no escapes here"
            )
            return None
        return token.text[1:-1]

    def _missing(self, problem: FileProblem, token: Token, path: str, report: Reporter) -> None:
        self.incomplete = True
        where = report.source.span(token.start, token.end)
        if problem.kind != "missing":
            report.error("SF229", problem.message, where, "this cannot be imported")
            return
        near = closest(path, problem.similar)
        searched = f"looked in {', '.join(problem.searched)}" if problem.searched else ""
        help_text = f"did you mean `{near}`?" if near else searched
        fix = replace(where, f'"{near}"') if near else None
        report.error("SF229", problem.message, where, "no such file", help=help_text, fix=fix)

    def _too_many(self, token: Token, report: Reporter) -> None:
        self.incomplete = True
        where = report.source.span(token.start, token.end)
        report.error("SF229", f"more than {MAX_IMPORTS} files are imported", where, "this one is not read")


def is_sound(units: tuple[Unit, ...]) -> bool:
    """Whether every text was read to its end."""
    return not any(has_errors(unit.parsed.diagnostics) for unit in units)
