"""What a scenario needs to know of other files. `lang` never opens one: whoever compiles passes something that can."""

from __future__ import annotations

from typing import Protocol

from sipflow.values import dataclass


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A file that can be played."""

    path: str
    sample_rate_hz: int
    channels: int
    duration_ms: float
    encoded: str = ""
    """Encoding name of the codec whose frames it holds, for it is sent as it is; `ANY_CODEC` where that is not
    known; empty: audio that any codec encodes."""
    missing_ms: float = 0
    """How much more its head announces than there is: the file was cut off."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file cannot be used."""

    kind: str
    """`missing`, or `unreadable` for a file that is there and is not what it should be."""
    message: str
    """One line for a person, without a full stop."""
    searched: tuple[str, ...] = ()
    """Where it was looked for."""
    similar: tuple[str, ...] = ()
    """Names of files that are there and may have been meant."""


@dataclass(frozen=True, slots=True)
class ImportedText:
    """Another scenario file."""

    name: str
    """Its path, the same for every way of writing it: it names the source in spans and is read once."""
    text: str


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A CSV file with a row of column names."""

    path: str
    columns: tuple[str, ...]
    rows: int
    """Rows below the names."""


class Files(Protocol):
    """Looks at files by the names that scenarios use, and at what the machine has; nothing raises for what is there."""

    def probe(self, path: str) -> MediaInfo | FileProblem | None:
        """What is known about the audio file `path`; None where nobody looks, and nothing can be said of it."""
        ...

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """The scenario `path` that the source named `importer` imports; it is looked for beside that source."""
        ...

    def missing_for(self, codec: str) -> str:
        """What this machine lacks for a codec, by its name in `codecs`, and how to get it; empty when it has all."""
        ...

    def table(self, path: str) -> TableInfo | FileProblem:
        """What is known about the CSV file `path`."""
        ...
