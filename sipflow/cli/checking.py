"""What a check finds: problems under the file they stand in, each once, however many files import that one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sipflow.assets import Assets, media_folders
from sipflow.cli.scenario_files import STDIN, Stamp, UnreadableError, file_key, read_text, source_name, stamp_of
from sipflow.lang import CompileResult, compile_text
from sipflow.lang.diagnostics import Diagnostic, Severity, has_errors
from sipflow.lang.files import FileProblem, ImportedText, MediaInfo, TableInfo
from sipflow.values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic, and the compilation that gave it: that one has the lines of all files that it speaks of."""

    diagnostic: Diagnostic
    result: CompileResult

    def rendered(self) -> str:
        """As people read it."""
        return self.result.render(self.diagnostic)


@dataclass(slots=True)
class CheckedFile:
    """One file, and what is wrong in it."""

    name: str
    """As the command line names it; for a file that was only imported, its path."""
    findings: list[Finding] = field(default_factory=list)
    """In the order of the text."""
    sound: bool = True
    """Whether it can run: not when a file that it imports has an error."""
    problem: str = ""
    """Why it could not be read."""
    imported: bool = False
    """Whether it was looked at only because another file imports it."""

    def of(self, severity: Severity) -> list[Finding]:
        """The findings that are as bad as this."""
        return [finding for finding in self.findings if finding.diagnostic.severity is severity]


class LookingFiles:
    """The files of a scenario (`sipflow.lang.files.Files`) that remember what was looked at, and where.

    `texts` stand in the place of files, by `file_key`: what a file will be when it is fixed.
    """

    def __init__(self, folders: list[Path], texts: Mapping[str, str] | None = None) -> None:
        self._assets = Assets(folders)
        self._texts = texts or {}
        self.looked_at: dict[str, Stamp] = {}
        """Paths as they were before they were read, those included where nothing was found: a file may come there."""

    def probe(self, path: str) -> MediaInfo | FileProblem:
        """What is known about an audio file."""
        self._note(path)
        return self._assets.probe(path)

    def missing_for(self, codec: str) -> str:
        """What this machine lacks for a codec."""
        return self._assets.missing_for(codec)

    def table(self, path: str) -> TableInfo | FileProblem:
        """What is known about a CSV file."""
        self._note(path)
        return self._assets.table(path)

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """A scenario that another imports."""
        self._note(path, "" if importer.startswith("<") else os.path.dirname(importer))  # noqa: PTH120 - any text
        found = self._assets.text(path, importer)
        if isinstance(found, FileProblem):
            return found
        return replace(found, text=self._texts.get(file_key(found.name), found.text))

    def _note(self, path: str, *folders: str) -> None:
        for folder in (*folders, *map(str, self._assets.folders)):
            candidate = os.path.join(folder, path)  # noqa: PTH118 - any text, also what could be no path
            self.looked_at.setdefault(candidate, stamp_of(candidate))


@dataclass(frozen=True, slots=True)
class Checker:
    """Compiles files as all commands around the check do."""

    media_dir: Path | None = None
    texts: dict[str, str] = field(default_factory=dict)
    """Texts in the place of files, by `file_key`."""
    looked_at: dict[str, Stamp] = field(default_factory=dict)
    """Every path that a compilation asked for, as it was before."""

    def compile(self, name: str) -> CompileResult:
        """What became of a file; raises `UnreadableError`."""
        key = file_key(name)
        text = self.texts[key] if key in self.texts else read_text(name)
        files = LookingFiles(media_folders(None if name == STDIN else Path(name).parent, self.media_dir), self.texts)
        result = compile_text(text, source_name(name), files=files)
        self.looked_at.update(files.looked_at | self.looked_at)
        return result

    def check(self, names: Iterable[str]) -> list[CheckedFile]:
        """What is wrong with these files, and with those that they import."""
        results: list[tuple[str, CompileResult | UnreadableError]] = []
        for name in names:
            try:
                results.append((name, self.compile(name)))
            except UnreadableError as error:
                results.append((name, error))
        return _sorted_by_file(results)


ALONE = frozenset(("SF202", "SF306", "SF307", "SF321", "SF323", "SF324", "SF327"))
"""What a file lacks or has too much when nobody imports it. The texts that import it are asked in its place."""


def _sorted_by_file(results: Sequence[tuple[str, CompileResult | UnreadableError]]) -> list[CheckedFile]:
    files = {file_key(name): CheckedFile(source_name(name)) for name, _ in results}
    shared = {key for name, result in results if isinstance(result, CompileResult) for key in imports(name, result)}
    for name, result in results:
        key = file_key(name)
        if isinstance(result, UnreadableError):
            files[key].problem, files[key].sound = result.reason, False
        else:
            left_out = ALONE if key in shared else frozenset()
            said = [diagnostic for diagnostic in result.diagnostics if diagnostic.code not in left_out]
            files[key].sound &= not has_errors(said)
            _file_away(result, said, files, files[key])
    for file in files.values():
        file.findings.sort(key=lambda finding: finding.diagnostic.span.start)
    return list(files.values())


def imports(name: str, result: CompileResult) -> set[str]:
    """Keys of the files that a file imports, those included that its imports import."""
    return {file_key(source) for source in result.sources} - {file_key(name)}


def _file_away(
    result: CompileResult, said: Iterable[Diagnostic], files: dict[str, CheckedFile], own: CheckedFile
) -> None:
    """Put every diagnostic to the file that it stands in, unless it is there already."""
    for diagnostic in said:
        source = diagnostic.span.source
        key = file_key(source)
        if source and key not in files:
            files[key] = CheckedFile(source, imported=True)
        file = files[key] if source else own
        file.sound &= diagnostic.severity is not Severity.ERROR
        known = {_identity(finding.diagnostic) for finding in file.findings}
        if _identity(diagnostic) not in known:
            file.findings.append(Finding(diagnostic, result))


def _identity(diagnostic: Diagnostic) -> tuple[object, ...]:
    """What makes two diagnostics of one file the same one, by whatever way the file was reached."""
    return diagnostic.code, diagnostic.message, diagnostic.span.start, diagnostic.span.end


def count(files: Iterable[CheckedFile], severity: Severity) -> int:
    """How many findings are as bad as this."""
    return sum(len(file.of(severity)) for file in files)


def exit_code(files: Iterable[CheckedFile]) -> int:
    """0 when every file can run, 2 otherwise."""
    return 0 if all(file.sound for file in files) else 2
