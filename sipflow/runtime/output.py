"""The output folder of a run: the only place where files are written unless a scenario names another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sipflow.errors import MachineError


class OutputFolder:
    """Turns the names in a scenario into paths that are safe to write."""

    def __init__(self, root: Path, wallclock: Callable[[], datetime] = datetime.now) -> None:
        self.root = root
        self._wallclock = wallclock

    def recording(self, name: str, agent: str, call: str) -> Path:
        """Path of a recording; without a `name` it is `recordings/rec_<agent>_<call>_<time>.wav`.

        Relative names stay inside the folder; an absolute one is the scenario's own wish. Raises `MachineError` when
        the name leads out of the folder, is that of a folder, or its parent cannot be made.
        """
        path = self._named(name) if name else self._made_up(agent, call)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        return path

    def _named(self, name: str) -> Path:
        if "\0" in name or name.endswith(("/", "/.")) or name == ".":
            raise MachineError(f'"{name}" is no name of a file'.replace("\0", "\\u{0}"))
        path = Path(name)
        if path.is_absolute():
            return path
        inside = self.root / path
        if not inside.resolve().is_relative_to(self.root.resolve()):
            raise MachineError(f'"{name}" leads out of the output folder {self.root}')
        return inside

    def _made_up(self, agent: str, call: str) -> Path:
        time = self._wallclock().strftime("%Y%m%d-%H%M%S-%f")[:-3]
        return self.root / "recordings" / f"rec_{_safe(agent)}_{_safe(call)}_{time}.wav"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
