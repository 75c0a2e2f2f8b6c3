"""SF3xx: order of the call flow."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF301",
        "no call yet",
        "The statement acts on a call, and nothing before it in its lane makes or takes one.",
    ),
    Code(
        "SF302",
        "never reached",
        "Nothing comes after `end`, `fail` or `recover` in a block.",
    ),
    Code(
        "SF303",
        "`recover` in the wrong place",
        "`recover` is the last statement of an `else`: it says that the failure was provided for.",
    ),
    Code(
        "SF304",
        "nobody sends this signal",
        "`await NAME` waits for a `signal NAME` in another lane. Without one it waits in vain.",
    ),
    Code(
        "SF305",
        "nobody waits for this signal",
        "The signal has no effect.",
    ),
    Code(
        "SF306",
        "nobody calls this agent",
        "The lane waits for a call, but no statement of the file calls the agent, and its port is not fixed, "
        "so that no one outside can.",
    ),
    Code(
        "SF307",
        "this file does nothing",
        "There is no lane. A test without statements would pass without testing anything.",
    ),
)
