"""Messages that break the rules on purpose: changes to the finished bytes, so that their repetitions are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sipflow.errors import MisuseError
from sipflow.multipart import join
from sipflow.sip.message import field_key
from sipflow.values import dataclass

PART = "part"
"""Kind of the edit that adds a part to the body."""
NO_ACK = "no_ack"
"""Kind of the edit that leaves the final response to an INVITE without its ACK."""

_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"


class EditError(MisuseError):
    """A change that cannot be made: what it changes is not there."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change."""

    kind: str
    """`replace`, `add`, `remove`, `double` (a header); `start_line`, `cseq`, `content_length`, `copies` (a value);
    `part` (added to the body); `no_ack`. Others change no bytes."""
    name: str = ""
    """Of the header; media type of the part."""
    value: str = ""


Edits = tuple[Edit, ...]


def apply_edits(edits: Sequence[Edit], data: bytes) -> bytes:
    """The message with all changes made: parts first, then the rest in their order; EditError when one has nothing to
    change."""
    head, separator, body = apply_parts(edits, data).partition(_HEAD_END)
    lines = head.split(_LINE_END)
    for edit in edits:
        change = _CHANGES.get(edit.kind)
        if change is not None:
            change(lines, edit)
    return _LINE_END.join(lines) + separator + body


def apply_parts(edits: Sequence[Edit], data: bytes) -> bytes:
    """The message with the parts added, and nothing broken yet: what credentials may cover."""
    added = [(edit.name, _bytes(edit.value)) for edit in edits if edit.kind == PART]
    if not added:
        return data
    head, separator, body = data.partition(_HEAD_END)
    lines = head.split(_LINE_END)
    body = _with_parts(lines, body, added)
    return _LINE_END.join(lines) + separator + body


def _with_parts(lines: list[bytes], body: bytes, added: list[tuple[str, bytes]]) -> bytes:
    """The body with more parts behind it (RFC 5621 section 3.1), and the header fields that say so."""
    types = _find(lines, "Content-Type", "read") if body else []
    own = [(lines[at].partition(b":")[2].strip().decode("utf-8", "surrogateescape"), body) for at in types[:1]]
    kind, whole = join([*own, *added])
    for name in ("Content-Type", "Content-Length"):
        for at in reversed(_find(lines, name, "remove", missing=True)):
            del lines[at]
    lines += [b"MIME-Version: 1.0", _field("Content-Type", kind), _field("Content-Length", str(len(whole)))]
    return whole


def copies(edits: Iterable[Edit]) -> int:
    """How often a message is sent at once."""
    return max([int(edit.value) for edit in edits if edit.kind == "copies"], default=1)


def _start_line(lines: list[bytes], edit: Edit) -> None:
    lines[0] = _bytes(edit.value)


def _replace(lines: list[bytes], edit: Edit) -> None:
    at = _find(lines, edit.name, "replace")[0]
    lines[at] = _field(edit.name, edit.value)


def _add(lines: list[bytes], edit: Edit) -> None:
    lines.append(_field(edit.name, edit.value))


def _remove(lines: list[bytes], edit: Edit) -> None:
    for at in reversed(_find(lines, edit.name, "remove")):
        del lines[at]


def _double(lines: list[bytes], edit: Edit) -> None:
    at = _find(lines, edit.name, "double")[0]
    lines.insert(at, lines[at])


def _cseq(lines: list[bytes], edit: Edit) -> None:
    at = _find(lines, "CSeq", "number")[0]
    method = lines[at].rpartition(b" ")[2]
    lines[at] = _field("CSeq", edit.value) + b" " + method


def _content_length(lines: list[bytes], edit: Edit) -> None:
    at = _find(lines, "Content-Length", "change")[0]
    lines[at] = _field("Content-Length", edit.value)


_CHANGES: dict[str, Callable[[list[bytes], Edit], None]] = {
    "start_line": _start_line,
    "replace": _replace,
    "add": _add,
    "remove": _remove,
    "double": _double,
    "cseq": _cseq,
    "content_length": _content_length,
}


def _find(lines: list[bytes], name: str, verb: str, *, missing: bool = False) -> list[int]:
    """Places of the fields of that name, long or compact; EditError when there is none and none may be `missing`."""
    key = field_key(name)
    names = [line.partition(b":")[0].decode("latin-1").strip() for line in lines]
    found = [at for at, field in enumerate(names) if at and field_key(field) == key]
    if not found and not missing:
        raise EditError(f"there is no {name} to {verb} in {lines[0].decode('utf-8', 'replace')}")
    return found


def _field(name: str, value: str) -> bytes:
    return _bytes(f"{name}: {value}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
