"""Programs for tests of laws: any that the grammar has, and how people lay them out.

`programs` makes texts from templates of all statements, in which capitals in braces stand for expressions of a kind.
`laid_out` moves their words about, without changing what they mean.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st

from sipflow.ir.expr import quote
from sipflow.lang import parse
from sipflow.lang.syntax import Node, Token

HEAD = 'let tries = 2\nlet greeting = "hello"\nlet patience = 400ms\ndata users from "users.csv"\n'
"""What expressions and definitions of every program may name."""


# --- expressions ---------------------------------------------------------------------------------------------------


def _grow(leaves: Sequence[str], *templates: str) -> st.SearchStrategy[str]:
    """Expressions of one kind: leaves, and templates with two places for more of them."""
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.builds(str.format, st.sampled_from(templates), inner, inner),
        max_leaves=3,
    )


TEXTS = st.one_of(
    _grow(
        ('"a"', '"caf\\u{e9} \\n\\t\\"q\\" \\\\ \\${x}"', "greeting", "env.HOME", "users.number", 'sip.header("X-Id")',
         '"${tries + 1} of ${greeting}"', '"""raw "quoted" ${no}\n  second line"""', "secret env.TOKEN", '""'),
        "{} + {}", "upper({})", "({})",
    ),
    st.text(max_size=12).map(quote).filter(lambda text: text.isprintable()),
)  # fmt: skip
NUMBERS = _grow(
    ("0", "1", "42", "4.50", "tries", "c0.media.mos", "length(greeting)", "random(1, 6)"),
    "{} + {}", "{} - {}", "{} * {}", "{} / {}", "-{}", "({} - {})",
)  # fmt: skip
DURATIONS = _grow(("200ms", "5s", "1000ms", "2m", "1.5s", "patience"), "{} + {}", "{} * 2", "({} - {})")
TRUTHS = _grow(
    ('env.X == "1"', "media.loss < 1%", "tries >= 2", 'greeting matches /^h.l+\\/o$/', 'greeting contains "e"',
     "media.jitter != 30ms", "c0.media.mos > 3 * (1 + 0.2)", 'sip.header("A") == env.B'),
    "{} and {}", "{} or {}", "not {}", "not ({} or {})", "({})",
)  # fmt: skip
EDITS = (
    'replace header "X-C" = greeting; remove header "Server"; double header "To"; add header "X-C" = "2"', "copies 2",
    'start line "${greeting} SIP/2.0"; cseq tries + 1; content length 7; copies tries', "content length 0; cseq 5",
)  # fmt: skip
EXTRAS = st.lists(
    st.sampled_from(['header "X-A" = "1"', 'header "X-B" = greeting + "-"']), max_size=2, unique=True
).flatmap(
    lambda headers: st.sampled_from(["", "codecs pcma, pcmu", 'body "b"; type "text/plain"', *EDITS]).map(
        lambda rest: "; ".join([*headers, *([rest] if rest or not headers else [])])
    )
)
PLACES = {"S": TEXTS, "N": NUMBERS, "D": DURATIONS, "T": TRUTHS, "X": EXTRAS}


# --- statements ----------------------------------------------------------------------------------------------------

RUNNING = (
    "call bob within {D}", 'call "sip:x@example.com" with {{ {X} }}', "hold", "hold c0", "resume c0",
    "rekey", "rekey c0", "mute",
    "unmute c0", "send options to bob", "send message to bob {{ {X} }}", "send info {{ {X} }}",
    "send notify on c0 within {D}", "play {S}", "play {S} loop in background",
    "play {S} 3 times for {D} from 500ms at -6dB", "play tone 440Hz for {D}",
    "play {S} on c0", "stop play", "stop play c0", "record", "record {S} mono for {D}", "stop record c0",
    'send dtmf "12,#"', 'send dtmf "1" gap {D} tone 80ms via rfc4733', "impair loss 3% jitter {D}", "clear impairment",
    "impair reorder 1% duplicate 0.5% on c0", "wait {D}", "log {S}", "log {N}", "let tries = {N}", "let other = {S}",
    "signal go", "await go within {D}", "check {T}", "check {T} on c0", "expect ringing", "expect progress within {D}",
    "expect held on c0 within {D}", "expect resumed", 'expect dtmf "12"', "expect dtmf", "expect recorded",
    "expect dtmf matching /[0-9]{{4}}#/ as pin", "expect notify where body contains {S}", "expect played",
    "expect response 200", "expect response where {T}", "expect info", "expect request PUBLISH where {T}",
    "expect transfer", "expect transferred", "menu({S}, {N})", "transfer c0 to bob", "expect rejected 486",
    "register for {D} contact {S} with {{ {X} }}", "register", "unregister", "unregister all with {{ {X} }}",
    "expect registered", "expect unregistered within {D}", "send raw {S}", 'send raw {S} to "sip:x@example.com"',
    "send update {{ {X} }}", "respond 200 {S} to BYE with {{ {X} }}", "respond 183", "hold c0 with {{ {X} }}",
    "resume with {{ {X} }}", "release with {{ {X} }}", "transfer c0 to bob with {{ {X} }}", "expect update where {T}",
    "call bob with {{ no ack; late offer }}", 'release with {{ part "text/plain" {S} }}',
)  # fmt: skip
LATER = (
    "expect audio", "expect silence for {D}", "expect call from bob where {T}",
    "expect tone 440Hz", "expect heard {S} score >= 0.8 within {D}", "play dtmf {S}",
    'send dtmf "1" via info', "redirect bob", 'reject 486 {S} with {{ {X} }}', "ring as c9", "answer on c0",
)  # fmt: skip
EVENTS = (
    "held", "dtmf", 'dtmf "1"', 'dtmf "22"', "dtmf matching /[0-9]+/ as pin", "resumed on c0", "info where {T}",
    "registered", "unregistered", "subscribe where {T}",
    "recorded", "notify where {T}", "hangup", "transfer", "played", "ringing", "call from bob",
)  # fmt: skip
SETTINGS = (
    "number 1001", "number {S}", 'uri "sip:a@example.com"', 'listen udp "127.0.0.1:5062"', "proxy {S}",
    "codecs pcma, pcmu", "ptime 20ms", "dtmf rfc4733", "srtp off", "srtp dtls AEAD_AES_128_GCM",
    "srtp optional", 'header "X-A" = {S}', 'header "X-B" = "blue"',
    "media {{ ports 20000-29999; jitter adaptive 20ms..200ms }}", "media {{ rtcp mux }}",
    "media {{ rtcp xr; rtcp reduced; latching }}",
    "register every {D}", "auth {S} password {S}",
    'listen udp; listen tls "127.0.0.1:0"; tls {{ certificate "a.pem"; key {S}; name {S}; verify off }}',
    "listen ws; tls {{ ca {S}; client certificate required }}", "provisional reliable required", "hold by address",
    "session timer 1800s refresher local min 90s", "session timer off", "proxy hub",
    'challenge realm {S} user "u" password {S} algorithm sha256 qop auth_int',
)  # fmt: skip
SETTINGS_LATER = ("codecs opus, g722, l16", "listen wss")
HUB = ("registrar", 'registrar {{ realm {S}; user "u" password {S}; record route; minimum expires {D} }}')
LOAD = (
    "arrivals poisson", "ramp 10/s to 200/s over {D}", "hold 200/s for {D}", "concurrency at most {N}",
    "require sip.setup_time.p99 < 200ms, calls.success >= 99.5%",
)  # fmt: skip


@dataclass(slots=True)
class _Writer:
    draw: st.DrawFn
    runs: bool
    """Whether only what this version runs is wanted."""
    labels: int = 0
    names: list[str] = field(default_factory=list)

    def one_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def filled(self, template: str) -> str:
        """A template with expressions in its places."""
        text = re.sub(r"(?<!\{)\{([A-Z])\}", lambda found: self.draw(PLACES[found[1]]), template)
        return text.replace("{{", "{").replace("}}", "}")

    def program(self) -> str:
        parts = [self.one_of("", 'scenario "Any" tagged smoke, ivr\n'), self.one_of("", "timeout 5s\n")]
        parts += [HEAD, "" if self.runs else self.one_of("", 'import "common.sflow"\n'), self.agent()]
        parts += [f"agent hub {self.braces([self.filled(self.one_of(*HUB))])}\n"]
        parts += ['agent pbx = "sip:pbx@example.com"\n', "define menu(prompt, digit) ", self.definition(), "\n"]
        if not self.runs:
            parts.append(f"load {self.braces([self.filled(self.one_of(*LOAD)) for _ in range(2)])}\n")
        parts.append(self.lane("alice", ["call bob as c0", "call pbx as c1"]))
        parts.append(self.lane("bob", ["answer as c0", "let pin = greeting"]))
        return "".join([*parts, "on carol: signal go; await go\n"])

    def definition(self) -> str:
        return self.braces(["log prompt", 'play "x.wav" else { log digit; recover }'])

    def agent(self) -> str:
        pool = SETTINGS if self.runs else SETTINGS + SETTINGS_LATER
        chosen = self.draw(st.lists(st.sampled_from(pool), max_size=7, unique_by=lambda text: text[:6]))
        settings = [self.filled(setting) for setting in chosen if "users" not in setting]
        return f"agent alice {self.braces(settings)}\n"

    def lane(self, name: str, first: list[str]) -> str:
        statements = [*first, *self.statements(0, loop=False, failed=False)]
        if self.draw(st.booleans()) and not any("\n" in statement for statement in statements):
            return f"on {name}: {'; '.join(statements)}\n"
        return f"on {name} {self.braces(statements)}\n"

    def braces(self, statements: list[str]) -> str:
        if not any("\n" in statement for statement in statements) and self.draw(st.booleans()):
            return f"{{ {'; '.join(statements)} }}"
        return "".join(["{\n", *(f"{statement}\n" for statement in statements), "}"])

    def statements(self, level: int, *, loop: bool, failed: bool) -> list[str]:
        count = self.draw(st.integers(1, 4 - min(level, 2)))
        found = [line for _ in range(count) for line in self.statement(level, loop=loop, failed=failed)]
        last = ["", "", "end", 'fail "no"'] * (level > 0) + ["break", "continue"] * loop + ["recover"] * 3 * failed
        return [*found, *([word] if last and (word := self.one_of(*last)) else [])]

    def statement(self, level: int, *, loop: bool, failed: bool) -> list[str]:
        kind = self.draw(st.integers(0, 11))
        if kind < 6 or level > 2:
            return [self.simple()]
        if kind < 8:
            statement = self.simple()
            fails = not statement.startswith("menu(")  # its statements may have an `else`, the call has none
            return [f"{statement} else {self.otherwise(level, loop=loop)}" if fails else statement]
        if kind == 8:
            return self.labelled(level, loop=loop, failed=failed)
        return [self.structured(kind, level, loop=loop, failed=failed)]

    def simple(self) -> str:
        return self.filled(self.one_of(*RUNNING, *(() if self.runs else LATER)))

    def block(self, level: int, *, loop: bool, failed: bool) -> str:
        return self.braces(self.statements(level + 1, loop=loop, failed=failed))

    def otherwise(self, level: int, *, loop: bool) -> str:
        if self.draw(st.booleans()):
            return self.block(level, loop=loop, failed=True)
        return self.one_of(
            "recover", "end", "release", "wait 1s else recover", *(["break", "continue"] if loop else [])
        )

    def labelled(self, level: int, *, loop: bool, failed: bool) -> list[str]:
        """A way forward and a way back."""
        self.labels += 1
        between = self.statement(level + 1, loop=loop, failed=failed)
        name, way = f"l{self.labels}", self.one_of("goto", "recover at")
        if self.draw(st.booleans()):
            return [f"label {name}", *between, f"expect held else {way} {name}"]
        return [f"expect held else {way} {name}", *between, f"label {name}", self.simple()]

    def structured(self, kind: int, level: int, *, loop: bool, failed: bool) -> str:
        if kind == 9:
            return self.condition(level, loop=loop, failed=failed)
        if kind == 10:
            head = self.filled(self.one_of("repeat 3 times", "repeat {N} times", "while {T}"))
            return f"{head} {self.block(level, loop=True, failed=failed)}"
        arms = self.draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4, unique_by=lambda arm: arm[:4]))
        texts = [f"{self.filled(arm)} => {self.arm(level, loop=loop, failed=failed)}" for arm in [*arms, "timeout"]]
        return f"choose {self.filled(self.one_of('', 'within {D} ', 'on c0 '))}{self.braces(texts)}"

    def condition(self, level: int, *, loop: bool, failed: bool) -> str:
        text = f"if {self.filled('{T}')} {self.block(level, loop=loop, failed=failed)}"
        match self.draw(st.integers(0, 2)):
            case 0:
                return text
            case 1:
                return f"{text} else {self.block(level, loop=loop, failed=failed)}"
            case _:
                return f"{text} else {self.condition(level + 1, loop=loop, failed=failed)}" if level < 3 else text

    def arm(self, level: int, *, loop: bool, failed: bool) -> str:
        return self.simple() if self.draw(st.booleans()) else self.block(level, loop=loop, failed=failed)


@st.composite
def programs(draw: st.DrawFn, *, runs: bool = False) -> str:
    """A program with every production of the grammar in reach; `runs`: with nothing that a version may not run yet.

    It has no syntax errors. Nearly all are without any error; a rare one says something in an impossible order.
    """
    return _Writer(draw, runs).program()


# --- layout --------------------------------------------------------------------------------------------------------

_CONTINUES = frozenset(("COMMA", "AND", "OR", "PLUS", "STAR", "EQ", "ARROW", "EQUAL"))
_TIGHT = frozenset(("LBRACE", "RBRACE", "COMMA", "ARROW", "EQUAL"))


@st.composite
def laid_out(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text of `texts` as nobody would write it: other spaces and line ends, comments wherever one may stand."""
    return _scattered(draw(texts), draw(st.randoms(use_true_random=False)))


@st.composite
def spaced_out(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, str]:
    """A text, and the same with other spaces and tabs."""
    text, dice = draw(texts), draw(st.randoms(use_true_random=False))
    tokens = list(tokens_of(parse(text).tree.root))
    parts = [tokens[0].text]
    for left, right in pairwise(tokens):
        gap = text[left.end : right.start]
        spaces = dice.choice([" ", "   ", "\t", " \t "])
        parts += [spaces if gap == " " else gap.replace("\n", f"{spaces}\n{spaces}"), right.text]
    return text, "".join([*parts, text[tokens[-1].end :]])


def tokens_of(node: Node) -> Iterator[Token]:
    """All tokens of a tree, in order."""
    for child in node.children:
        if isinstance(child, Token):
            yield child
        else:
            yield from tokens_of(child)


def _scattered(text: str, dice: random.Random) -> str:
    tokens = list(tokens_of(parse(text).tree.root))
    parts = [dice.choice(["", "\ufeff", "# head\n\n\n", "\n\n  # head\n"]), tokens[0].text]
    depth = 0
    for left, right in pairwise(tokens):
        depth += (left.kind == "LBRACE") - (left.kind == "RBRACE")
        parts += [_gap(left, right, text[left.end : right.start], depth, dice), right.text]
    parts.append(dice.choice(["", "\n", "\n\n\n", " # tail", "\n# tail\n\n# the end\n", ";\n"]))
    changed = "".join(parts)
    return changed.replace("\n", "\r\n") if dice.random() < 0.1 else changed


def _gap(left: Token, right: Token, gap: str, depth: int, dice: random.Random) -> str:
    if dice.random() < 0.5:
        return gap
    comment = f" # {dice.choice(['c', 'one two', '#', 'ü  ', 'x' * 70])}"
    between = dice.choice(["\n", f"{comment}\n", f"\n\t{comment}\n", f"{comment}\n\n{comment}\n   ", "\n\n\n\n"])
    if "\n" in gap:
        return dice.choice([between, "; \n", ";;\t\n\n", f";{comment}\n"])
    if ";" in gap:
        return dice.choice([";", " ;; ", *([between, f"; {between}"] if depth else [])])
    if right.kind in ("LBRACE", "ELSE") and left.kind != "EXPECT":
        return dice.choice([between, "\t", "   "])
    if left.kind in _CONTINUES:
        return dice.choice([between, "  "])
    if left.kind in _TIGHT or right.kind in _TIGHT:
        return dice.choice(["", " ", "\t "])
    return dice.choice(["  ", " \t "]) if gap else gap
