"""What the TextMate grammar shows is what the parser reads: word for word, in every scenario and every document."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from editors.generator.files import TEXTMATE_FILE
from editors.generator.grammar import load_grammar
from editors.generator.words import WORDS_FILE, TableError, Words, differences_between, load_words, words_from_table
from sipflow.lang.parse import parse
from sipflow.lang.syntax import Node, Token
from tests.editors.textmate import Span, Tokenizer
from tests.lang.samples import STATEMENTS

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
GRAMMAR = json.loads(TEXTMATE_FILE.read_text(encoding="utf-8"))


@cache
def word_table() -> Words:
    """What the table says of every word; making the grammar that it is held against takes seconds."""
    return load_words(load_grammar())


NAMES_LIKE_KEYWORDS = """\
agent message { number 1 }
agent call = "sip:play@127.0.0.1"
on message: call call as hold; play "x.wav" loop on hold; release hold
on ring {
  let timeout = 5s
  answer as codecs with { header "X" = timeout; codecs pcma }
  check codecs.media.loss < 1% and timeout / 2 > 1s or "a/b" matches /a\\/b/ else { log "no"; recover }
  menu(play, "x")
  signal dtmf; await record within timeout
  choose within 2s {
    dtmf "1" => play "a.wav" loop
    dtmf matching /[0-9]{4}#/ as dtmf => {
      play "b.wav"
    }
    timeout => fail
  }
}
"""


def samples() -> dict[str, str]:
    """Texts without syntax errors, by name."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("scenarios/**/*.sflow"))}
    for page in sorted(ROOT.glob("docs/*.md")):
        for number, text in enumerate(
            re.findall(r"^```sflow\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE), 1
        ):
            texts[f"docs/{page.name}#{number}"] = text
    texts["every statement"] = "on alice {\n" + "".join(f"  {statement}\n" for statement in STATEMENTS) + "}\n"
    texts["every statement on a line"] = "".join(f"on alice: {statement}; wait 1s\n" for statement in STATEMENTS)
    texts["names like keywords"] = NAMES_LIKE_KEYWORDS
    return texts


SAMPLES = samples()


def tokens_of(node: Node) -> Iterator[tuple[str, Token]]:
    """Tokens below a node, each with the rule that it belongs to."""
    for child in node.children:
        if isinstance(child, Token):
            yield node.rule, child
        else:
            yield from tokens_of(child)


class Shown:
    """The scopes of each place of a text."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.lines = Tokenizer(GRAMMAR).tokenize(text)

    def at(self, offset: int) -> tuple[str, ...]:
        line = max(number for number, start in enumerate(self.starts) if start <= offset)
        column = offset - self.starts[line]
        return next(span.scopes for span in self.lines[line] if span.start <= column < span.end)


def is_keyword(scope: str) -> bool:
    return scope.removesuffix(".sflow") in {family.textmate for family in word_table().families.values()}


def expected(rule: str, token: Token) -> set[str]:
    """The scopes of which a token has to have one."""
    keywords = load_grammar().words
    if token.kind in keywords:
        return {
            word_table().scope(place, word)
            for place, words in word_table().places.items()
            for word in words
            if word == token.text
        }
    if token.kind == "NAME":
        called = word_table().names["invoke"]
        return {word_table().names[rule]} | {"name": {called}, "define": {"variable.parameter"}}.get(rule, set())
    if token.kind in word_table().literals:
        return {word_table().literals[token.kind]}
    return {word_table().signs[token.text]}


def wrong(text: str) -> list[str]:
    """Tokens that are shown as something else than they are."""
    shown = Shown(text)
    found = []
    result = parse(text)
    tokens = [*tokens_of(result.tree.root), *(("file", comment) for comment in result.tree.comments)]
    for rule, token in tokens:
        scopes = {scope.removesuffix(".sflow") for scope in shown.at(token.start)}
        fits = scopes & expected(rule, token) and not (token.kind == "NAME" and any(map(is_keyword, scopes)))
        if not fits and token.kind not in ("NL", "DOT"):
            found.append(f"{token.text!r} at {token.start} ({rule}) is shown as {sorted(scopes)}")
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_every_token_is_shown_as_what_the_parser_takes_it_for(name: str) -> None:
    assert wrong(SAMPLES[name]) == []


def merged(spans: list[Span]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Neighbours with the same scopes are one, and nothing is said of the line's end."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for span in spans:
        if found and found[-1][2] == span.scopes and found[-1][1] == span.start:
            found[-1] = found[-1][0], span.end, span.scopes
        else:
            found.append((span.start, span.end, span.scopes))
    return found


BROKEN = {
    "a block that is not closed": """\
on alice {
  if x {
  call bob
on bob: answer
agent carol { number 1
on carol: answer
""",
    "a string that is not closed": """\
on alice: play "x.wav; release
on bob: log "a ${b"; answer
let x = (1 +
on carol: end
""",
    "words that mean nothing": """\
play x
on alice: foo play bar; agent; Call bob
/ } ) 12q 1.5x call
""",
    "lines that go on": """\
agent a { codecs pcma, # first
  pcmu }
on a { check x == # why
  1 and
  2; choose {
    dtmf =>
      end } }
""",
}
TEXTMATE_MODULES = VSCODE / "node_modules" / "vscode-textmate"


@pytest.mark.skipif(not TEXTMATE_MODULES.is_dir(), reason="needs `npm ci` in editors/vscode")
def test_vs_code_makes_the_same_tokens() -> None:
    """The tests above stand on our reading of what TextMate grammars mean; this one on that of VS Code."""
    texts = SAMPLES | BROKEN
    asked = json.dumps({"grammar": str(TEXTMATE_FILE), "texts": texts})
    done = subprocess.run(["node", VSCODE / "tests" / "tokens.mjs"], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    for name, text in texts.items():
        ours = Tokenizer(GRAMMAR).tokenize(text)
        for number, (line, spans, tokens) in enumerate(zip(text.split("\n"), ours, theirs[name], strict=True), 1):
            here = [(start, min(end, len(line)), scopes) for start, end, scopes in merged(spans) if start < len(line)]
            there = merged([Span(start, end, tuple(scopes)) for start, end, scopes in tokens])
            there = [(start, min(end, len(line)), scopes) for start, end, scopes in there if start < len(line)]
            assert here == there, f"{name}, line {number}: {line}"


def test_a_line_that_begins_a_part_of_the_file_is_shown_as_one_whatever_stands_before() -> None:
    for name in ("a block that is not closed", "a string that is not closed"):
        text = BROKEN[name]
        shown = Shown(text)
        begins = [match.start() for match in re.finditer(r"^(?:on|agent)\b", text, re.MULTILINE)]
        assert [shown.at(start)[-1] for start in begins] == ["storage.type.sflow"] * len(begins), name


def test_a_word_that_the_table_does_not_place_is_named() -> None:
    table = tomllib.loads(WORDS_FILE.read_text(encoding="utf-8"))
    table["words"]["statement"]["action"] = table["words"]["statement"]["action"].replace("dial", "phone")
    differences = differences_between(words_from_table(table), load_grammar())
    assert differences == ["statement words: words.toml lacks dial", "statement words: the grammar lacks phone"]


def test_a_word_of_two_families_at_one_place_is_refused() -> None:
    table = tomllib.loads(WORDS_FILE.read_text(encoding="utf-8"))
    table["words"]["statement"]["control"] += " dial"
    with pytest.raises(TableError, match="dial is action and control at once"):
        words_from_table(table)
