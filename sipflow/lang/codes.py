"""Every diagnostic code: its title, and what it means to the person who meets it. `docs/diagnostics.md` shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake."""

    code: str
    title: str
    explanation: str


_ROWS = (
    # --- syntax
    (
        "SF101",
        "the text is too long",
        "A scenario may have a million characters and 30,000 words. What is longer is not a "
        "scenario that a person wrote, and is not read.",
    ),
    (
        "SF102",
        "a character without meaning",
        "The character belongs to no word, number, string or sign of the language. Outside of "
        "strings and comments only ASCII signs are used.",
    ),
    (
        "SF103",
        "a string without end",
        "A string that begins with a quote ends on the same line. For text of several lines use "
        'three quotes: `"""…"""`.',
    ),
    (
        "SF104",
        "a raw string without end",
        "Three quotes begin a string that goes on over lines until the next three quotes. There are none.",
    ),
    (
        "SF105",
        "not UTF-8",
        "Scenario files are UTF-8 text.",
    ),
    (
        "SF106",
        "a word, string or number that is too long",
        "Numbers have at most 18 characters, regular expressions 1,000, words and strings 65,536.",
    ),
    (
        "SF107",
        "nested too deeply",
        "Braces, parentheses, operators and chains of `else` within each other have limits that no "
        "readable scenario meets.",
    ),
    (
        "SF108",
        "a wrong escape in a string",
        'In strings a backslash stands before `n`, `t`, `r`, `"`, `\\`, `$` or `u{…}` (a character '
        "by its hexadecimal number). To have a backslash, write two.",
    ),
    (
        "SF109",
        "a regular expression that does not compile",
        "Regular expressions have Python's syntax.",
    ),
    (
        "SF110",
        "something else was expected",
        "The text does not follow the grammar at this place.",
    ),
    (
        "SF111",
        "an unknown word",
        "No statement, setting or clause that may stand here has this name.",
    ),
    (
        "SF112",
        "a `}` is missing",
        "A block goes on into the next part of the file, or past its end.",
    ),
    (
        "SF113",
        "a sign is missing",
        "A separator or a closing parenthesis has to stand before this.",
    ),
    (
        "SF114",
        "a `}` too many",
        "No block is open that this `}` could close.",
    ),
    (
        "SF115",
        "a statement outside of a lane",
        "Statements are done by an agent: `on alice: call bob`.",
    ),
    (
        "SF116",
        "not a part of a file",
        "A file is made of lanes (`on`), agents, variables (`let`), and the header (`scenario`, `timeout`).",
    ),
    (
        "SF117",
        "no expression in `${…}`",
        "Between `${` and `}` stands an expression. To have the two characters themselves, write `\\${`.",
    ),
    # --- names, types, units
    (
        "SF201",
        "a name that is taken",
        "Agents, calls of a lane and variables of the file each have a name of their own.",
    ),
    (
        "SF202",
        "an agent that nothing drives",
        "The agent has no lane, so sipflow does not play it, and no address, so nobody else can be "
        "reached as it. Give it a lane, or an address.",
    ),
    (
        "SF203",
        "an unknown agent",
        "A target without quotes is the name of an agent: one that is declared, or one that a lane "
        "drives. Addresses stand in quotes.",
    ),
    (
        "SF204",
        "an unknown call",
        "Calls get their names from `as NAME`, in the lane that has the call.",
    ),
    (
        "SF205",
        "an unknown variable",
        "Variables come from `let` (at the top of the file, or before this statement in the lane), "
        "from `as NAME` after `matching`, or from `--var`.",
    ),
    (
        "SF206",
        "an unknown measurement or function",
        "Nothing of this name is measured on a call.",
    ),
    (
        "SF207",
        "a unit is missing",
        "Durations, frequencies, rates and shares have units, since 5 could be seconds or "
        "milliseconds: `5s`, `20ms`, `440Hz`, `3%`, `-6dB`.",
    ),
    (
        "SF208",
        "a value of the wrong kind",
        "The statement needs another kind of value than it is given.",
    ),
    (
        "SF209",
        "an unknown unit",
        "Units are `ms s m h`, `/s /m /h`, `%`, `Hz kHz`, `dB`, `B kB MB`.",
    ),
    (
        "SF210",
        "an unknown codec",
        "The codec is not one that sipflow knows.",
    ),
    (
        "SF211",
        "an unknown word for a setting",
        "The setting takes one of a few words.",
    ),
    (
        "SF212",
        "a wrong address or port",
        '`listen` takes `"HOST:PORT"`; ports are numbers from 0 (a free one) to 65535. A range of '
        "media ports needs two ports at least, lowest first.",
    ),
    (
        "SF213",
        "given twice",
        "It can be said once only; the second would silently win otherwise.",
    ),
    (
        "SF214",
        "a remote agent has no lane",
        '`agent NAME = "sip:…"` names somebody whom sipflow does not play. Declare it with `{ … }` to drive it.',
    ),
    (
        "SF215",
        "a clause that does not belong here",
        "The statement has no use for this clause: only what waits takes `within`, only what acts "
        "on a call takes `on`.",
    ),
    (
        "SF216",
        "a wrong header name",
        "Names of header fields are made of letters, digits and `- . ! % * _ + ~` (RFC 3261 section 25.1).",
    ),
    (
        "SF217",
        "a wrong status code",
        "Responses have codes from 100 to 699; a rejection has one from 300 on.",
    ),
    (
        "SF218",
        "a value that must be constant",
        "This is needed before anything runs, so it cannot depend on a variable.",
    ),
    (
        "SF219",
        "no SIP address",
        "A target in quotes is a SIP URI (`sip:user@host`) or `user@host`.",
    ),
    # --- not in this version
    (
        "SF250",
        "`choose` is not in this version",
        "Waiting for whichever comes first will come with a later version.",
    ),
    (
        "SF251",
        "`if` is not in this version",
        "Branches on conditions will come with a later version; `check … else { … recover }` does much of it.",
    ),
    (
        "SF252",
        "`repeat` is not in this version",
        "Loops will come with a later version.",
    ),
    (
        "SF253",
        "`while` is not in this version",
        "Loops will come with a later version.",
    ),
    (
        "SF254",
        "`define` is not in this version",
        "Named sequences will come with a later version.",
    ),
    (
        "SF255",
        "`import` is not in this version",
        "Parts of other files will come with a later version.",
    ),
    (
        "SF256",
        "`data` is not in this version",
        "Rows of data will come with a later version; `--var` sets variables from outside.",
    ),
    (
        "SF257",
        "`load` is not in this version",
        "Load runs will come with a later version.",
    ),
    (
        "SF258",
        "registration is not in this version",
        "REGISTER and digest will come with a later version.",
    ),
    (
        "SF259",
        "`send raw` is not in this version",
        "Sending bytes as written will come with a later version.",
    ),
    (
        "SF260",
        "SRTP is not in this version",
        "Only `srtp off` runs: calling a plain call a secure one would be a lie.",
    ),
    (
        "SF261",
        "this transport is not in this version",
        "Only `listen udp` runs.",
    ),
    (
        "SF262",
        "this way of sending digits is not in this version",
        "Only `rfc4733` runs.",
    ),
    (
        "SF263",
        "`auth` is not in this version",
        "Digest will come with a later version.",
    ),
    (
        "SF264",
        "`expect heard` is not in this version",
        "Recognising a prompt in what is received will come with a later version.",
    ),
    (
        "SF265",
        "`expect tone` is not in this version",
        "Tone detection will come with a later version.",
    ),
    (
        "SF266",
        "`expect silence` is not in this version",
        "Judging the level of what is received will come with a later version.",
    ),
    (
        "SF267",
        "`expect audio` is not in this version",
        "Judging the level of what is received will come with a later version.",
    ),
    (
        "SF268",
        "this codec is not in this version",
        "Only PCMU and PCMA run; an offer without a codec that the file asks for would test something else.",
    ),
    (
        "SF269",
        "`play dtmf` is not in this version",
        "Digits as audio will come with a later version; `send dtmf` sends them by RFC 4733.",
    ),
    (
        "SF270",
        "`secret` is not in this version",
        "Redaction comes with a later version; a value that is marked secret and shown all the same would be worse.",
    ),
    # --- order
    (
        "SF301",
        "no call yet",
        "The statement acts on a call, and nothing before it in its lane makes or takes one.",
    ),
    (
        "SF302",
        "never reached",
        "Nothing comes after `end`, `fail` or `recover` in a block.",
    ),
    (
        "SF303",
        "`recover` in the wrong place",
        "`recover` is the last statement of an `else`: it says that the failure was provided for.",
    ),
    (
        "SF304",
        "nobody sends this signal",
        "`await NAME` waits for a `signal NAME` in another lane. Without one it waits in vain.",
    ),
    (
        "SF305",
        "nobody waits for this signal",
        "The signal has no effect.",
    ),
    (
        "SF306",
        "nobody calls this agent",
        "The lane waits for a call, but no statement of the file calls the agent, and its port is "
        "not fixed, so that no one outside can.",
    ),
    (
        "SF307",
        "this file does nothing",
        "There is no lane. A test without statements would pass without testing anything.",
    ),
    # --- media and files
    (
        "SF401",
        "a media file is missing",
        "Files are looked for beside the scenario, then in `--media-dir`, then in `~/.sipflow/media`.",
    ),
    (
        "SF402",
        "not an audio file",
        "The file is there, but it cannot be read as audio.",
    ),
    (
        "SF403",
        "digits that do not exist",
        "Telephones have the digits 0-9, `*`, `#` and A-D; in `send dtmf` a `,` is a pause.",
    ),
    (
        "SF404",
        "no codec in common",
        "The two agents share no codec, so their call cannot have audio.",
    ),
)

CODES = {code: Code(code, title, explanation) for code, title, explanation in _ROWS}
"""All codes, in order."""
