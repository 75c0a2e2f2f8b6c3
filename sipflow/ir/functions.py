"""The functions of the expression language: their names, and the kinds of what they take and give.

`sipflow.plan.evaluate` computes them. `sip.header("NAME")` and, behind `where`, `header("NAME")` are not among them:
they ask a call or a message.
"""

from __future__ import annotations

from sipflow.values import dataclass

ANYTHING = "anything"
"""A value of any kind."""
AMOUNT = "amount"
"""A number, or a quantity of any unit; all of one use are of one kind, and so is the result."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    """Name and kind of each value that it takes; kinds are `string`, `number`, ANYTHING and AMOUNT."""
    result: str
    """Kind of its value."""
    meaning: str
    """One sentence for a person, and what has no value."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(name for name, _ in self.parameters)})"


FUNCTIONS = {
    function.name: function
    for function in (
        Function("number", (("text", "string"),), "number", "The number that a text is; no value when it is none."),
        Function("text", (("value", ANYTHING),), "string", "A value as it would stand in a string."),
        Function("length", (("text", "string"),), "number", "How many characters a text has."),
        Function("lower", (("text", "string"),), "string", "A text in lower case."),
        Function("upper", (("text", "string"),), "string", "A text in upper case."),
        Function(
            "random",
            (("low", AMOUNT), ("high", AMOUNT)),
            AMOUNT,
            "One by chance, from low to high, both included: whole for numbers, whole milliseconds for durations. "
            "No value when low is more than high. The seed of the run decides.",
        ),
    )
}
"""All functions by name."""
