"""SF1xx: syntax."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF101",
        "the text is too long",
        "A scenario may have a million characters and 30,000 words. What is longer is not a scenario that a "
        "person wrote, and is not read.",
    ),
    Code(
        "SF102",
        "a character without meaning",
        "The character belongs to no word, number, string or sign of the language. Outside of strings and "
        "comments only ASCII signs are used.",
    ),
    Code(
        "SF103",
        "a string without end",
        "A string that begins with a quote ends on the same line. For text of several lines use three quotes: "
        '`"""…"""`.',
    ),
    Code(
        "SF104",
        "a raw string without end",
        "Three quotes begin a string that goes on over lines until the next three quotes. There are none.",
    ),
    Code(
        "SF105",
        "not UTF-8",
        "Scenario files are UTF-8 text.",
    ),
    Code(
        "SF106",
        "a word, string or number that is too long",
        "Numbers have at most 18 characters, regular expressions 1,000, words and strings 65,536.",
    ),
    Code(
        "SF107",
        "nested too deeply",
        "Braces, parentheses, operators and chains of `else` within each other have limits that no readable "
        "scenario meets.",
    ),
    Code(
        "SF108",
        "a wrong escape in a string",
        'In strings a backslash stands before `n`, `t`, `r`, `"`, `\\`, `$` or `u{…}` (a character by its '
        "hexadecimal number). To have a backslash, write two.",
    ),
    Code(
        "SF109",
        "a regular expression that does not compile",
        "Regular expressions have Python's syntax.",
    ),
    Code(
        "SF110",
        "something else was expected",
        "The text does not follow the grammar at this place.",
    ),
    Code(
        "SF111",
        "an unknown word",
        "No statement, setting or clause that may stand here has this name.",
    ),
    Code(
        "SF112",
        "a `}` is missing",
        "A block goes on into the next part of the file, or past its end.",
    ),
    Code(
        "SF113",
        "a sign is missing",
        "A separator or a closing parenthesis has to stand before this.",
    ),
    Code(
        "SF114",
        "a `}` too many",
        "No block is open that this `}` could close.",
    ),
    Code(
        "SF115",
        "a statement outside of a lane",
        "Statements are done by an agent: `on alice: call bob`.",
    ),
    Code(
        "SF116",
        "not a part of a file",
        "A file is made of lanes (`on`), agents, variables (`let`), and the header (`scenario`, `timeout`).",
    ),
    Code(
        "SF117",
        "no expression in `${…}`",
        "Between `${` and `}` stands an expression. To have the two characters themselves, write `\\${`.",
    ),
)
