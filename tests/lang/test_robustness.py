"""Scenario text is hostile: whatever it is, it gives diagnostics, in time, and one mistake gives few of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.ir.dump import graph_to_json, load_graph
from sipflow.ir.validate import problems
from sipflow.lang import compile_text, render
from sipflow.lang.diagnostics import MAX_DIAGNOSTICS
from tests.lang.samples import STATEMENTS, in_a_lane, scenarios
from tests.pace import at_most

GOOD = [path.read_text(encoding="utf-8") for path in scenarios()]
WORDS = re.compile(r'"[^"\n]*"|\w+|[^\w\s]|\n')
MEGABYTE = 1 << 20


def survive(text: str) -> int:
    """Compile and render; returns the number of diagnostics."""
    result = compile_text(text)
    assert (result.graph is None) == any(found.severity.value == "error" for found in result.diagnostics)
    assert result.graph is None or problems(result.graph) == []
    for diagnostic in result.diagnostics[:10]:
        assert render(diagnostic, text)
    return len(result.diagnostics)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text(text: str) -> None:
    survive(text)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes(data: bytes) -> None:
    survive(data.decode("utf-8", "surrogateescape"))


@given(
    st.lists(st.sampled_from([*STATEMENTS, "{", "}", "on alice", ":", "else", '"', "\n", ";", "agent a", "(", "${"]))
)
@settings(max_examples=150, deadline=None)
def test_any_pile_of_pieces(parts: list[str]) -> None:
    survive(" ".join(parts))


@given(st.sampled_from(GOOD), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_a_file_cut_anywhere(text: str, where: float) -> None:
    assert survive(text[: int(where * len(text))]) <= 5


@st.composite
def one_mistake(draw: st.DrawFn) -> str:
    """A good file of which one word was lost, doubled, or became another word."""
    text = draw(st.sampled_from(GOOD))
    words = list(WORDS.finditer(text))
    word, other = draw(st.sampled_from(words)), draw(st.sampled_from(words))
    between = draw(st.sampled_from(["", other.group(), f" {other.group()} {word.group()}"]))
    return text[: word.start()] + between + text[word.end() :]


@given(one_mistake())
@settings(max_examples=400, deadline=None)
def test_one_mistake_in_a_good_file_is_said_in_few_words(text: str) -> None:
    assert survive(text) <= 5


def test_a_block_whose_first_line_was_lost_is_told_once() -> None:
    """Every line of it would be unknown in the block around it."""
    lost = 'agent pbx {#  registrar {\n realm "x"\n user "a" password "b"\n minimum expires 60s\n record route\n }\n}\n'
    found = compile_text(lost + "on pbx: answer\n").diagnostics
    assert [(one.code, one.span.line) for one in found] == [("SF110", 2), ("SF114", 7)]
    assert found[0].help == "it belongs into the block of `registrar { … }`"


HUGE = {
    "10 MB of one letter": "a" * 10 * MEGABYTE,
    "words": "a " * (MEGABYTE // 2 - 1),
    "lines": "a\n" * (MEGABYTE // 2 - 1),
    "line ends": "\n" * (MEGABYTE - 1),
    "separators": ";" * (MEGABYTE - 1),
    "100,000 open braces": "{" * 100_000,
    "100,000 open braces in a lane": "on a " + "{" * 100_000,
    "a million closed braces": "}" * (MEGABYTE - 1),
    "parentheses": "on a: check " + "(" * 25_000,
    "blocks in blocks": "on a {" + "if x {" * 9_000,
    "else after else": "on a: " + "release else " * 14_000,
    "not not not": "on a: check " + "not " * 28_000,
    "a long sum": "on a: check " + "1 + " * 14_000 + "1",
    "minus minus": "on a: check " + "- " * 28_000 + "1",
    "a lane of many statements": "on a {\n" + "call b\n" * 9_900 + "}\non b: answer",
    "as many mistakes": "on a {\n" + "call x y\n" * 7_000 + "}\n",
    "as many lanes": "".join(f"on a{i}: call a{i + 1}\n" for i in range(4_200)),
    "as many unknown agents": "".join(f"on a{i}: call b{i}\n" for i in range(4_200)),
    "as many agents": "".join(f"agent a{i} {{}}\n" for i in range(5_900)),
    "as many variables": "".join(f"let a{i} = {i}\n" for i in range(5_900)),
    "quotes": '"' * (MEGABYTE - 1),
    "open expressions in a string": 'on a: log "' + "${" * 30_000 + '"',
    "half open expressions": 'on a: log "' + '${"a"' * 12_000 + '"',
    "expressions in a string": 'on a: log "' + "${a}" * 16_000 + '"',
    "comments": "#\n" * (MEGABYTE // 2 - 1),
    "slashes": "/" * (MEGABYTE - 1),
    "NUL": "\0" * (MEGABYTE - 1),
    "NUL lines": "\0\n" * (MEGABYTE // 2 - 1),
    "a regular expression that explodes": "on a: expect dtmf matching /" + "(a*)*" * 190 + "/",
    "a long number": "on a: wait " + "9" * 100_000 + "s",
    "many digits": 'on a: answer; send dtmf "' + "1" * 60_000 + 'x"',
}  # fmt: skip


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
def test_a_huge_text_is_judged_within_two_seconds(text: str) -> None:
    with at_most(2.0):
        result = compile_text(text)
    assert len(result.diagnostics) <= 2 * MAX_DIAGNOSTICS
    assert max((len(render(found, text)) for found in result.diagnostics[:5]), default=0) < 2000


def test_every_statement_cut_after_every_word() -> None:
    for statement in STATEMENTS:
        for word in WORDS.finditer(statement):
            assert survive(in_a_lane(statement[: word.end()])) <= 3


@pytest.mark.parametrize("count", [20, 100, 118, 125, 300, 5_000])
@pytest.mark.parametrize(
    ("head", "link", "tail"),
    [
        ("log ", "1 + ", "1"),
        ("check ", "not ", "true"),
        ("log ", "- ", "x"),
        ("", "release else ", "release"),
        ("", "release else { ", "release"),
        ("check ", "( ", "true"),
        ("", "if true { ", "release"),
    ],
)
def test_whatever_is_not_refused_as_too_deep_is_no_trouble_for_those_who_recurse_over_it(
    head: str, link: str, tail: str, count: int
) -> None:
    closing = {"(": " )", "{": " }"}.get(link.strip()[-1], "") * count
    result = compile_text(f"let x = 1\non a: call b; {head}{link * count}{tail}{closing}\non b: answer\n")
    codes = {found.code for found in result.diagnostics if found.severity.value == "error"}
    assert codes <= {"SF107", "SF251"}
    assert count > 20 or "SF107" not in codes, "that much is not deep"
    if result.graph is not None:
        assert load_graph(graph_to_json(result.graph)) == result.graph
        assert repr(result.graph) and repr(result.tree)
