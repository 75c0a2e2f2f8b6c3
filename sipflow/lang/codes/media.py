"""SF4xx: media and files."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF401",
        "a media file is missing",
        "Files are looked for beside the scenario, then in `--media-dir`, then in `~/.sipflow/media`.",
        why="In a run the call would be set up and then fail. With `--media-dir` prompts of a whole team can lie in "
        "one place.",
        example="""\
on alice: call bob; play "gret.wav"
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF402",
        "not an audio file",
        "The file is there, but it cannot be read as audio.",
        why="Nothing could be played. A file that was downloaded as a web page, or a pointer of Git LFS that was "
        "never fetched, are the usual causes; `sipflow media check FILE` says more.",
        example="""\
on alice: call bob; play "notes.wav"
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF403",
        "digits that do not exist",
        "Telephones have the digits 0-9, `*`, `#` and A-D; in `send dtmf` a `,` is a pause.",
        why="No key of a telephone sends it and no event of RFC 4733 stands for it, so it could be neither sent nor "
        "received.",
        example="""\
on alice: call bob; send dtmf "12x"
on bob: answer
""",
        instead="""\
on alice: call bob; send dtmf "12#"
on bob: answer
""",
    ),
    Code(
        "SF404",
        "no codec in common",
        "The two agents share no codec, so their call cannot have audio.",
        why="The callee has to reject the audio of the offer, so the call fails with 488 or stays silent. That may be"
        " the purpose of the test; then say so with `expect rejected 488`.",
        example="""\
agent alice { codecs pcmu }
agent bob { codecs pcma }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { codecs pcmu, pcma }
agent bob { codecs pcma }
on alice: call bob
on bob: answer
""",
    ),
)
