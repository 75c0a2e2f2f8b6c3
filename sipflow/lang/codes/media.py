"""SF4xx: media and files."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF401",
        "a media file is missing",
        "Files are looked for beside the scenario, then in `--media-dir`, then in `~/.sipflow/media`.",
    ),
    Code(
        "SF402",
        "not an audio file",
        "The file is there, but it cannot be read as audio.",
    ),
    Code(
        "SF403",
        "digits that do not exist",
        "Telephones have the digits 0-9, `*`, `#` and A-D; in `send dtmf` a `,` is a pause.",
    ),
    Code(
        "SF404",
        "no codec in common",
        "The two agents share no codec, so their call cannot have audio.",
    ),
)
