"""What an import or an export has to say to a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about one place."""

    severity: str
    """`error`: a part is lost because it is wrong; `warning`: a part is lost or changes its meaning; `note`: for
    information."""
    message: str
    """One line, without a full stop."""
    path: str = ""
    """Of an import: where it is in the JSON, such as `nodes[3].data.command`."""
    node: str = ""
    """Id of the node or edge that is meant, empty for none."""
    line: int = 0
    """Of an export: the line of the statement, 0 for none."""

    def render(self, source: str) -> str:
        """The note as people read it; ends with a line end."""
        place = source
        if self.line:
            place += f":{self.line}"
        if self.path:
            place += f": {self.path}"
        who = f" ({self.node})" if self.node else ""
        return f"{self.severity}: {self.message}\n  --> {place}{who}\n"
