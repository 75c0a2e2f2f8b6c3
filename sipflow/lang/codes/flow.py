"""SF3xx: order of the call flow."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF301",
        "no call yet",
        "The statement acts on a call, and nothing before it in its lane makes or takes one.",
        why="In a run the statement would fail at once, and the lane with it. Usually two lines stand in the wrong "
        "order.",
        example="""\
on alice: play "greet.wav"; call bob
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF302",
        "never reached",
        "Nothing comes after `end`, `fail` or `recover` in a block.",
        why="Whoever wrote it counts on its being done; in a run it never is.",
        example="""\
on alice: call bob; end; release
on bob: answer
""",
        instead="""\
on alice: call bob; release; end
on bob: answer
""",
    ),
    Code(
        "SF303",
        "`recover` in the wrong place",
        "`recover` is the last statement of an `else`: it says that the failure was provided for.",
        why="Elsewhere there is no failure that `recover` could take back, or statements behind it would run although"
        " the failure is settled.",
        example="""\
on alice: call bob; recover
on bob: answer
""",
        instead="""\
on alice: call bob else { log "busy"; recover }
on bob: answer
""",
    ),
    Code(
        "SF304",
        "nobody sends this signal",
        "`await NAME` waits for a `signal NAME` in another lane. Without one it waits in vain.",
        why="The lane would wait until its time limit and fail, in every run.",
        example="""\
on alice: call bob; await ready
on bob: answer
""",
        instead="""\
on alice: call bob; await ready
on bob: answer; signal ready
""",
    ),
    Code(
        "SF305",
        "nobody waits for this signal",
        "The signal has no effect.",
        why="Perhaps the `await` was forgotten, or one of the two names is mistyped: then lanes that should meet do "
        "not.",
        example="""\
on alice: call bob; signal ready
on bob: answer
""",
        instead="""\
on alice: call bob; signal ready
on bob: answer; await ready
""",
    ),
    Code(
        "SF306",
        "nobody calls this agent",
        "The lane waits for a call, but no statement of the file calls the agent, and its port is not fixed, "
        "so that no one outside can.",
        why="The lane would wait until its time limit and fail. A lane that waits for a call from outside needs a "
        "port that the caller can know.",
        example="""\
on alice: answer
""",
        instead="""\
agent alice { listen udp "127.0.0.1:5060" }
on alice: answer
""",
    ),
    Code(
        "SF307",
        "this file does nothing",
        "There is no lane. A test without statements would pass without testing anything.",
        why="An empty test in a suite that is always green hides that something is not tested, for instance because "
        "its lanes were commented out.",
        example="""\
scenario "to be written"
""",
        instead="""\
scenario "a call"
on alice: call bob
on bob: answer
""",
    ),
)
