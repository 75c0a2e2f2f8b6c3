"""SF1xx: syntax."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF101",
        "the text is too long",
        "A scenario may have a million characters and 30,000 words. What is longer is not a scenario that a "
        "person wrote, and is not read.",
        why="A text of that size is nearly always something else: a recording, a trace, the output of a program that "
        "went wrong. Refusing it at once keeps an editor and a CI job from waiting for it.",
    ),
    Code(
        "SF102",
        "a character without meaning",
        "The character belongs to no word, number, string or sign of the language. Outside of strings and "
        "comments only ASCII signs are used.",
        why="Signs that look alike, such as the curly quotes of a word processor, would otherwise turn up as names or"
        " be dropped, and the scenario would say something else than it seems to.",
        example="""\
on alice: call bob @ 5
on bob: answer
""",
        instead="""\
on alice: call bob within 5s
on bob: answer
""",
    ),
    Code(
        "SF103",
        "a string without end",
        "A string that begins with a quote ends on the same line. For text of several lines use three quotes: "
        '`"""…"""`.',
        why="Without its end a string would swallow the statements that follow, and one forgotten quote would be "
        "reported far from where it is missing.",
        example="""\
on alice: call bob; log "calling
on bob: answer
""",
        instead="""\
on alice: call bob; log "calling"
on bob: answer
""",
    ),
    Code(
        "SF104",
        "a raw string without end",
        "Three quotes begin a string that goes on over lines until the next three quotes. There are none.",
        why="Everything up to the end of the file would belong to the string: the lanes below it would be gone "
        "without a word.",
        example='''\
on bob: expect message
on alice: send message to bob { body """hello }
''',
        instead='''\
on bob: expect message
on alice: send message to bob { body """hello""" }
''',
    ),
    Code(
        "SF105",
        "not UTF-8",
        "Scenario files are UTF-8 text.",
        why="Guessing another encoding would put other letters into headers and bodies than the author saw. Editors "
        "save as UTF-8 when they are told to, and `iconv -f latin1 -t utf-8` converts a file.",
        example='on alice: call bob; log "caf\udce9"\non bob: answer\n',
        instead="""\
on alice: call bob; log "café"
on bob: answer
""",
    ),
    Code(
        "SF106",
        "a word, string or number that is too long",
        "Numbers have at most 18 characters, regular expressions 1,000, words and strings 65,536.",
        why="The limits lie far above what anybody types; they keep a broken or hostile file from taking the memory "
        "of the machine that checks it.",
        example="""\
on alice: call bob; wait 12345678901234567890s
on bob: answer
""",
        instead="""\
on alice: call bob; wait 90s
on bob: answer
""",
    ),
    Code(
        "SF107",
        "nested too deeply",
        "Braces, parentheses, operators and chains of `else` within each other have limits that no readable "
        "scenario meets.",
        why="What is nested that deeply cannot be read, and is written by accident or by a program. A `define`, a "
        "variable or a flat list of statements says the same.",
        example=f"on alice: call bob; check {'(' * 65}1 == 1{')' * 65}\non bob: answer\n",
        instead="""\
on alice: call bob; check 1 == 1
on bob: answer
""",
    ),
    Code(
        "SF108",
        "a wrong escape in a string",
        'In strings a backslash stands before `n`, `t`, `r`, `"`, `\\`, `$` or `u{…}` (a character by its '
        "hexadecimal number). To have a backslash, write two.",
        why="An unknown escape that were kept as it is would change its meaning on the day on which a version learns "
        "it.",
        example="""\
on alice: call bob; log "C:\\dir"
on bob: answer
""",
        instead="""\
on alice: call bob; log "C:\\\\dir"
on bob: answer
""",
    ),
    Code(
        "SF109",
        "a regular expression that does not compile",
        "Regular expressions have Python's syntax.",
        why="An expression that does not compile matches nothing: the statement would fail in every run, long after "
        "the call was set up.",
        example="""\
on alice: call bob; expect dtmf matching /[0-9/
on bob: answer; send dtmf "1"
""",
        instead="""\
on alice: call bob; expect dtmf matching /[0-9]/
on bob: answer; send dtmf "1"
""",
    ),
    Code(
        "SF110",
        "something else was expected",
        "The text does not follow the grammar at this place.",
        why="The statement is not carried out as long as it is not clear what it means. The rest of the file is "
        "checked all the same, so that all mistakes are told at once.",
        example="""\
on alice: call
on bob: answer
""",
        instead="""\
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF111",
        "an unknown word",
        "No statement, setting or clause that may stand here has this name.",
        why="Most often a typing mistake; a near word is offered as a fix. Taking the nearest one in silence would "
        "run another test than the one that was written.",
        example="""\
on alice: cal bob
on bob: answer
""",
        instead="""\
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF112",
        "a `}` is missing",
        "A block goes on into the next part of the file, or past its end.",
        why="Without the brace it is unclear which statements belong to the block: those of an `else` would become "
        "steps of the lane, or the other way round.",
        example="""\
on bob {
  answer
  expect hangup

on alice: call bob
""",
        instead="""\
on bob {
  answer
  expect hangup
}

on alice: call bob
""",
    ),
    Code(
        "SF113",
        "a sign is missing",
        "A separator or a closing parenthesis has to stand before this.",
        why="Two statements that run into each other could be read in more than one way; `;` or a new line says where"
        " the second begins.",
        example="""\
on alice: call bob release
on bob: answer
""",
        instead="""\
on alice: call bob; release
on bob: answer
""",
    ),
    Code(
        "SF114",
        "a `}` too many",
        "No block is open that this `}` could close.",
        why="Either the brace is left over from something that was deleted, or an opening one is missing above: then "
        "a block ends earlier than its author thinks.",
        example="""\
on alice: call bob }
on bob: answer
""",
        instead="""\
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF115",
        "a statement outside of a lane",
        "Statements are done by an agent: `on alice: call bob`.",
        why="A statement needs somebody who does it: without a lane nobody knows from whose address the call comes.",
        example="""\
call bob
on bob: answer
""",
        instead="""\
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF116",
        "not a part of a file",
        "A file is made of lanes (`on`), agents, variables (`let`), and the header (`scenario`, `timeout`).",
        why="What is not understood at the top of a file may be a setting that the author counts on; leaving it out "
        "would run another test.",
        example="""\
"a test of the PBX"
on alice: call bob
on bob: answer
""",
        instead="""\
scenario "a test of the PBX"
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF117",
        "no expression in `${…}`",
        "Between `${` and `}` stands an expression. To have the two characters themselves, write `\\${`.",
        why="The text would be sent or written without the value that it was to have.",
        example="""\
on alice: call bob; log "number ${}"
on bob: answer
""",
        instead="""\
let number = 1001
on alice: call bob; log "number ${number}"
on bob: answer
""",
    ),
)
