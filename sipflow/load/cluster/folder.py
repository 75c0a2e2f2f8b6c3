"""A folder among the temporary files for as long as this process lives; what killed ones left goes at the next start.

A process that is killed takes nothing away. Whether the owner of a folder lives says a lock that he holds on a file in
it: the kernel gives it back when he dies, however that happens, and a process number can be another's by then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "sipflow-worker-"
_LOCK = ".lock"


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """An empty folder of this process, away in the end; raises `OSError` when there can be none."""
    root = Path(tempfile.gettempdir())
    remove_left(root)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left(root: Path) -> None:
    """Remove the folders of this user whose processes are dead: no link, nobody else's, none without a lock."""
    for folder in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid():
                _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The file has its name only once it is locked: nobody finds it free in between."""
    unnamed = folder / f"{_LOCK}.new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(folder / _LOCK)
        yield
    finally:
        os.close(descriptor)
