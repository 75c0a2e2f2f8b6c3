"""Text in boxes: lines of at most so many characters, and what is too long cut off."""

from __future__ import annotations

ELLIPSIS = "…"


def wrap(text: str, columns: int, lines: int) -> tuple[str, ...]:
    """`text` in at most `lines` lines of at most `columns` characters, broken at spaces where it has any."""
    found: list[str] = []
    rest = " ".join(text.split())
    while rest and len(found) < lines:
        line, rest = _first_line(rest, columns)
        found.append(line)
    if rest:
        found[-1] = elide(f"{found[-1]} {rest}", columns)
    return tuple(found) or ("",)


def elide(text: str, columns: int) -> str:
    """`text`, or its beginning with an ellipsis where it is longer than `columns`."""
    return text if len(text) <= columns else text[: columns - 1].rstrip() + ELLIPSIS


def _first_line(text: str, columns: int) -> tuple[str, str]:
    if len(text) <= columns:
        return text, ""
    place = text.rfind(" ", 1, columns + 1)
    if place < columns // 3:
        return text[:columns], text[columns:]
    return text[:place], text[place + 1 :]
