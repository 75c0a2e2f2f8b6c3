"""Bodies of several parts (RFC 2046 section 5.1, RFC 5621): reading them, finding one, and adding one.

A leaf: SIP looks for session descriptions in them, and conditions of a scenario for the parts that it expects.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

MAX_DEPTH: Final = 4
"""Multiparts in multiparts that are looked into."""

_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_TYPE_OF_PART: Final = re.compile(r"^(?:content-type|c)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_BOUNDARY: Final = re.compile(r';[ \t]*boundary[ \t]*=[ \t]*(?:"([^"\\\r\n]*+)"|([^\s;"]++))', re.IGNORECASE)


def media_type(content_type: str) -> str:
    """Type and subtype in lower case, without parameters: `application/sdp`."""
    return content_type.partition(";")[0].strip(" \t").lower()


def boundary_of(content_type: str) -> str:
    """What stands between the parts of a multipart; empty for other types, and where it is missing."""
    found = _BOUNDARY.search(content_type) if media_type(content_type).startswith("multipart/") else None
    return "" if found is None else (found[1] or found[2] or "")


def parts(body: bytes, boundary: str) -> Iterator[tuple[str, bytes]]:
    """Content-Type and content of each part; what stands before the first boundary and behind the last is no part."""
    delimiter = re.escape(boundary.encode("utf-8", "surrogateescape"))
    marks = list(re.finditer(rb"(?:\A|\r?\n)--" + delimiter + rb"(--)?[ \t]*(?=\r?\n|\Z)", body))
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    for mark, end in zip(marks, ends, strict=False):  # without a boundary there is an end and no part
        if mark[1]:
            return
        yield _part(body[mark.end() : end])


def _part(text: bytes) -> tuple[str, bytes]:
    """A part begins with the line end of its boundary, so that one without header fields begins with an empty line."""
    end = _HEAD_END.search(text)
    if end is None:
        return "", b""
    head = _FOLD.sub(" ", text[: end.start()].decode("utf-8", "surrogateescape"))
    kind = _TYPE_OF_PART.search(head)
    return kind[1] if kind else "text/plain", text[end.end() :]


def find_part(content_type: str, body: bytes, wanted: str, depth: int = MAX_DEPTH) -> bytes | None:
    """The first part of that media type, or of alternatives the last, which is the best (RFC 2046 section 5.1.4); the
    body if it is of that type itself. None when there is none."""
    kind = media_type(content_type)
    if kind == media_type(wanted):
        return body
    boundary = boundary_of(content_type)
    if not boundary or not depth:
        return None
    looked_into = (find_part(*each, wanted, depth - 1) for each in parts(body, boundary))
    found = (part for part in looked_into if part is not None)
    if kind == "multipart/alternative":
        return next(iter(deque(found, maxlen=1)), None)
    return next(found, None)


def join(pieces: Iterable[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Content-Type and body of a multipart/mixed of these parts, each a Content-Type and its content. The boundary is
    made of what they are, so that the same parts are the same bytes."""
    written = [f"Content-Type: {kind}\r\n\r\n".encode("utf-8", "surrogateescape") + text for kind, text in pieces]
    boundary = hashlib.blake2b(b"\0".join(written), digest_size=12).hexdigest()
    mark = b"--" + boundary.encode()
    body = b"".join([mark + b"\r\n" + each + b"\r\n" for each in written]) + mark + b"--\r\n"
    return f"multipart/mixed;boundary={boundary}", body
