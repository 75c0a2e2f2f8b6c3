"""The SIP path compiled: modules of `sip` and `sdp` that `make compiled` built with mypyc, and whether they are used.

They lie apart from the sources, in `_compiled`, and are used only when they were made of the sources that are there:
a digest of these is kept beside them. Whatever does not fit leaves the sources in use, and `sipflow doctor` says why.
Both mean the same to whoever calls them.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterator, MutableSequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent
PACKAGES = ("sdp", "sip")
LEAVES = ("errors.py", "events.py", "media_params.py", "multipart.py", "problems.py", "redaction.py", "values.py")
"""What the packages import besides each other: constants and types of it are compiled in."""
LEFT_OUT = ("sdp/__init__.py", "sip/__init__.py")
"""Sources that are used as they are: those that decide whether compiled ones are used."""
FOLDER = "_compiled"
LIBRARY = "sipflow_sip"
"""The group of mypyc: the code of all modules is in one library."""
DIGEST = "sources.sha256"
SWITCH = "SIPFLOW_PURE"
"""Environment variable: anything but nothing leaves the sources in use."""


class State(enum.Enum):
    """What there is of compiled modules, and what becomes of them."""

    ABSENT = "not built"
    USED = "in use"
    SWITCHED_OFF = "switched off"
    STALE = "made of other sources"
    BROKEN = "cannot be loaded"


class Verdict(NamedTuple):
    """What was found when the first package asked."""

    state: State
    reason: str = ""
    """Of a library that cannot be loaded: what the system says."""


def put_first(package: str, path: MutableSequence[str]) -> None:
    """Let a package find its compiled modules before their sources, where they are in use; `path` is its `__path__`."""
    if verdict().state is State.USED:
        path.insert(0, str(modules(ROOT, package)))


@cache
def verdict() -> Verdict:
    """The answer for this process: both packages get the same."""
    return judge(ROOT, switched_off=bool(os.environ.get(SWITCH)))


def judge(root: Path, *, switched_off: bool) -> Verdict:
    """Look at what was built for this Python beside the sources in `root`, and load it if it is to be used."""
    sealed = folder(root) / DIGEST
    try:
        made_of = sealed.read_text()
    except OSError:
        return Verdict(State.ABSENT)
    if switched_off:
        return Verdict(State.SWITCHED_OFF)
    if made_of != digest(root):
        return Verdict(State.STALE)
    try:
        _load(folder(root))
    except ImportError as error:
        return Verdict(State.BROKEN, str(error))
    return Verdict(State.USED)


def folder(root: Path) -> Path:
    """Where the modules for this Python are built; those for others lie beside it."""
    return root / FOLDER / str(sys.implementation.cache_tag)


def modules(root: Path, package: str) -> Path:
    """Where those of one package are: mypyc tells them so as well, in `__file__`."""
    return folder(root) / "sipflow" / package


def sources(root: Path) -> Iterator[Path]:
    """All that the compiled modules depend on, in a fixed order."""
    for package in PACKAGES:
        yield from sorted((root / package).glob("*.py"))
    yield from (root / leaf for leaf in LEAVES)


def digest(root: Path) -> str:
    """SHA-256 of names and contents, as hexadecimal digits."""
    import hashlib  # 3 ms that only those pay who have compiled modules

    found = hashlib.sha256()
    for path in sources(root):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def library(where: Path) -> Path:
    """The file of the code that all modules share."""
    return where / f"{LIBRARY}__mypyc{EXTENSION_SUFFIXES[0]}"


def _load(where: Path) -> None:
    """The modules look for their library by its name alone, in no package: it has to be there already."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"{LIBRARY}__mypyc", library(where))
    assert spec is not None and spec.loader is not None, "an extension's suffix always has a loader"
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[spec.name] = module
