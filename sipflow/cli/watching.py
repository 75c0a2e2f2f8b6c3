"""`sipflow check --watch`: checks again when a file changes that a check looked at.

Files are asked for their times five times a second. A scenario has a handful, so that costs less than a thousandth of a
processor, works on every file system, network ones included, and needs no library.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from sipflow.cli.checking import CheckedFile, Checker
from sipflow.cli.formats.as_text import plural
from sipflow.cli.scenario_files import Stamp, file_key, find_scenarios, folders_below, stamp_of

POLL_S = 0.2


def watch_files(paths: Sequence[str], media_dir: Path | None, show: Callable[[list[CheckedFile]], None]) -> NoReturn:
    """Check, show, wait for a change, and so on until Ctrl-C; raises `click.UsageError` when there is nothing yet."""
    names = find_scenarios(paths)
    headline = f"watching {plural(len(names), 'file')}, Ctrl-C ends"
    while True:
        # All stamps are from before a file was read, so that a change while the check goes on is not missed.
        watched = _Watched(paths)
        _announce(headline)
        checker = Checker(media_dir)
        files = checker.check(watched.names)
        watched.add(checker.looked_at)
        show(files)
        headline = f"{_named(watched.wait())} changed"


class _Watched:
    """Files and folders as they were when a check began."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        # In this order: what comes into a folder after its stamp was taken is a change, listed already or not.
        self._folders = _folder_stamps(paths)
        self.names = _names(paths)
        self._files = _stamps(self.names)

    def add(self, stamps: Mapping[str, Stamp]) -> None:
        """Watch these as well."""
        self._files = {**stamps, **self._files}

    def wait(self) -> list[str]:
        """Sleep until something has changed and is at rest again; its names."""
        while not (changed := self._changed()):
            time.sleep(POLL_S)
        state = _stamps(changed)
        while True:
            time.sleep(POLL_S / 4)
            if (now := _stamps(changed)) == state:
                return changed
            state = now

    def _changed(self) -> list[str]:
        changed = {file_key(path): path for path, stamp in self._files.items() if stamp_of(path) != stamp}
        if any(stamp_of(folder) != stamp for folder, stamp in self._folders.items()):
            self._folders = _folder_stamps(self._paths)
            # A folder changes with every swap file of an editor; what matters is which scenarios are in it.
            changed |= {file_key(name): name for name in set(_names(self._paths)) ^ set(self.names)}
        return sorted(changed.values())


def _names(paths: Sequence[str]) -> list[str]:
    try:
        return find_scenarios(paths)
    except click.UsageError:
        return []  # the last file went: another may come


def _folder_stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    return _stamps(str(folder) for path in paths for folder in folders_below(path))


def _stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    return {path: stamp_of(path) for path in paths}


def _announce(headline: str) -> None:
    if sys.stdout.isatty():
        click.clear()
    click.echo(f"-- {time.strftime('%H:%M:%S')}  {headline}", err=True)


def _named(names: Sequence[str]) -> str:
    first = Path(names[0]).name
    return first if len(names) == 1 else f"{first} and {plural(len(names) - 1, 'other')}"
