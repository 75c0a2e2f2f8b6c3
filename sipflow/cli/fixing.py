"""`sipflow check --fix`: what diagnostics offer is carried out, and only what makes the files better stays."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from sipflow.cli.checking import ALONE, Checker, imports
from sipflow.cli.scenario_files import UnreadableError, file_key, read_text
from sipflow.lang import CompileResult
from sipflow.lang.diagnostics import Diagnostic, Edit, Fix, Severity, apply_fix

MAX_ATTEMPTS = 300
"""Each compiles; a file has at most a hundred diagnostics, and what one fix uncovers is fixed as well."""

_Identity = tuple[str, str, str]
"""Code, message and file: the same diagnostic before and after a fix that moved it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one file."""

    name: str
    before: str
    after: str
    fixed: int
    """How many diagnostics went away."""

    def diff(self) -> str:
        """A unified diff that `patch -p0` takes."""
        lines = (self.before.splitlines(keepends=True), self.after.splitlines(keepends=True))
        return "".join(_ended(line) for line in difflib.unified_diff(*lines, self.name, self.name))

    def write(self) -> str:
        """Put the new text in the place of the old; why that was not possible, empty when it was."""
        try:
            if read_text(self.name) != self.before:
                return "it has changed meanwhile"
            write_whole(Path(os.path.realpath(self.name)), self.after.encode("utf-8", "surrogateescape"))
        except UnreadableError as error:
            return error.reason
        except OSError as error:
            return error.strerror or str(error)
        return ""


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: whoever reads it has the old one or the new one, whole. Raises `OSError`."""
    status = path.stat()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sipflow-")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        new.chmod(status.st_mode & 0o7777)
        with contextlib.suppress(OSError):  # only root can give files away
            os.chown(new, status.st_uid, status.st_gid)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


class Workshop:
    """Fixes the texts of files; nothing is written before somebody does it with the changes.

    A fix stays when its diagnostic is gone and no file that was given has an error that it did not have: also not one
    that imports the text which was changed.
    """

    def __init__(self, checker: Checker, names: Sequence[str], paths: Sequence[str]) -> None:
        self.texts = dict(checker.texts)
        """Texts by `file_key`: those that were given to the checker, and all that were changed."""
        self._media_dir = checker.media_dir
        self._reach = _Reach(names, paths)
        self._results: dict[str, CompileResult] = {}
        self._before: dict[str, tuple[str, str]] = {}
        """Name and first text of every file that was changed, by key."""
        self._fixed: Counter[str] = Counter()
        self._attempts_left = MAX_ATTEMPTS
        for name in names:
            with contextlib.suppress(UnreadableError):
                self._results[name] = self._compile(name, self.texts)

    def fix(self) -> list[Change]:
        """Everything that could be fixed, by file."""
        for name in self._results:
            self._attempts_left = MAX_ATTEMPTS
            self._fix_file(name)
        return [Change(name, text, self.texts[key], self._fixed[key]) for key, (name, text) in self._before.items()]

    def out_of_reach(self) -> Mapping[str, int]:
        """How many fixes were left alone in each file that lies outside of the given paths."""
        left = {
            (edit.span.source, diagnostic.code, diagnostic.message, edit.span.start)
            for result in self._results.values()
            for diagnostic in result.diagnostics
            for edit in _edits(diagnostic)
            if not self._reach.covers(edit.span.source)
        }
        return Counter(source for source, *_ in left)

    def _fix_file(self, name: str) -> None:
        refused: set[tuple[str, str, int]] = set()
        while batch := _compatible(self._candidates(name, refused)):
            while not self._attempt(name, batch):
                if self._attempts_left <= 0:
                    return
                if len(batch) == 1:
                    refused.add(_key(batch[0]))
                    break
                batch = batch[: len(batch) // 2]

    def _candidates(self, name: str, refused: set[tuple[str, str, int]]) -> Iterator[Diagnostic]:
        shared = any(file_key(name) in imports(other, result) for other, result in self._results.items())
        for diagnostic in self._results[name].diagnostics:
            edits = _edits(diagnostic)
            if not edits or _key(diagnostic) in refused or (shared and diagnostic.code in ALONE):
                continue
            if all(self._reach.covers(edit.span.source) for edit in edits):
                yield diagnostic

    def _attempt(self, name: str, batch: Sequence[Diagnostic]) -> bool:
        """Carry out these fixes if that makes things better; whether it did."""
        self._attempts_left -= 1
        result = self._results[name]
        changed = _edited(result, batch)
        texts = self.texts | {file_key(source): text for source, text in changed.items()}
        affected = [other for other, known in self._results.items() if _reads(known, changed)]
        try:
            new = {other: self._compile(other, texts) for other in affected}
        except UnreadableError:
            return False
        gone = _count(result.diagnostics) - _count(new[name].diagnostics)
        if Counter(map(_identity, batch)) - gone or any(_worse(self._results[o], new[o]) for o in affected):
            return False
        self._keep(result, changed, batch)
        self.texts, self._results = texts, self._results | new
        return True

    def _keep(self, result: CompileResult, changed: Iterable[str], batch: Sequence[Diagnostic]) -> None:
        for source in changed:
            self._before.setdefault(file_key(source), (source, _text(result, source)))
        self._fixed.update(file_key(_edits(diagnostic)[0].span.source) for diagnostic in batch)

    def _compile(self, name: str, texts: dict[str, str]) -> CompileResult:
        return Checker(self._media_dir, texts).compile(name)


class _Reach:
    """Which files may be changed: those that were given, and all below the folders that were given."""

    def __init__(self, names: Iterable[str], paths: Iterable[str]) -> None:
        self._files = {file_key(name) for name in names}
        self._folders = [Path(file_key(path)) for path in paths if Path(path).is_dir()]

    def covers(self, source: str) -> bool:
        key = file_key(source)
        return key in self._files or any(Path(key).is_relative_to(folder) for folder in self._folders)


def _edits(diagnostic: Diagnostic) -> tuple[Edit, ...]:
    return diagnostic.fix.edits if diagnostic.fix is not None else ()


def _key(diagnostic: Diagnostic) -> tuple[str, str, int]:
    return diagnostic.code, diagnostic.message, diagnostic.span.start


def _identity(diagnostic: Diagnostic) -> _Identity:
    return diagnostic.code, diagnostic.message, diagnostic.span.source


def _count(diagnostics: Iterable[Diagnostic]) -> Counter[_Identity]:
    return Counter(map(_identity, diagnostics))


def _worse(before: CompileResult, after: CompileResult) -> bool:
    """Whether there is an error that was not there."""
    errors = [[d for d in result.diagnostics if d.severity is Severity.ERROR] for result in (after, before)]
    return bool(_count(errors[0]) - _count(errors[1]))


def _compatible(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """As many as can be fixed at once: no edit of one touches an edit of another."""
    chosen: list[Diagnostic] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        edits = _edits(diagnostic)
        if not any(_touch(edit, other) for edit in edits for other in taken):
            chosen.append(diagnostic)
            taken += edits
    return chosen


def _touch(one: Edit, other: Edit) -> bool:
    a, b = one.span, other.span
    return a.source == b.source and (a.start == b.start or (a.start < b.end and b.start < a.end))


def _edited(result: CompileResult, batch: Iterable[Diagnostic]) -> dict[str, str]:
    """The new texts of the sources that the fixes change."""
    by_source: dict[str, list[Edit]] = {}
    for diagnostic in batch:
        for edit in _edits(diagnostic):
            by_source.setdefault(edit.span.source, []).append(edit)
    return {source: apply_fix(_text(result, source), Fix("", tuple(edits))) for source, edits in by_source.items()}


def _text(result: CompileResult, source: str) -> str:
    return result.sources[source].text


def _reads(result: CompileResult, sources: Iterable[str]) -> bool:
    keys = {file_key(source) for source in sources}
    return any(file_key(source) in keys for source in result.sources)


_DIFF_COLOURS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"(?:---|\+\+\+) ", lambda line: click.style(line, bold=True)),
    (r"@@ ", lambda line: click.style(line, fg="cyan")),
    (r"-", lambda line: click.style(line, fg="red")),
    (r"\+", lambda line: click.style(line, fg="green")),
)


def coloured_diff(diff: str) -> str:
    """A diff with the colours of a terminal."""
    return "".join(_coloured_line(line) for line in diff.splitlines(keepends=True))


def _coloured_line(line: str) -> str:
    text = line.removesuffix("\n")
    paint = next((paint for start, paint in _DIFF_COLOURS if re.match(start, line)), str)
    return paint(text) + "\n"
