"""Programs of blocks, jumps and definitions are hostile, too: bounded depth, size and time, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.ir.dump import graph_to_json, load_graph
from sipflow.ir.validate import problems
from sipflow.lang import CompileResult, compile_text
from sipflow.lang.diagnostics import MAX_DIAGNOSTICS
from tests.lang.probe import FakeLibrary
from tests.pace import at_most

PIECES = (
    *("call bob as c1", "answer", "release c1", "wait 1s", "log x", 'play "x.wav"', "let x = 1", "let x = y + 1"),
    *("label a", "label b", "goto a", "goto b", "break", "continue", "recover", "recover at a", "end", 'fail "no"'),
    *("if x > 1 {", "} else {", "} else if true {", "repeat 2 times {", "while x < 3 {", "choose within 1s {"),
    *("choose {", 'dtmf "1" =>', "hangup => end", "timeout => goto b", "call => answer as c2", "timeout => {"),
    *("expect hangup else {", "hold else", "check media.mos > x else { recover }", "f()", "f(1)", 'g(bob, "12")'),
    *("g(x, c1.media.mos)", "h(f, g)", "}", "}", "}", "\n", ";", "within 2s", "as c1", 'log "${users.number}"'),
    *("define f() {", "define g(x, y) {", "call x", "send dtmf y", "g(y, x)", "h(x)", 'log "${x}${y}"', "on bob {"),
    *("on alice {", "on bob: answer", 'data users from "users.csv"', 'import "common.sflow"', "shared()", "let y = 2"),
    *("agent bob { number x }", 'secret "x"', "random(1, x)", "upper(y)", "expect dtmf matching /1/ as x", "on c1"),
)  # fmt: skip


def survive(text: str) -> CompileResult:
    result = compile_text(text, "t.sflow", files=FakeLibrary())
    assert (result.graph is None) == any(found.severity.value == "error" for found in result.diagnostics)
    for diagnostic in result.diagnostics[:5]:
        assert result.render(diagnostic)
    if result.graph is not None:
        assert problems(result.graph) == []
        assert load_graph(graph_to_json(result.graph)) == result.graph
    return result


@given(st.lists(st.sampled_from(PIECES), max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_pile_of_blocks_and_jumps(parts: list[str]) -> None:
    survive(" ".join(parts))


@st.composite
def statements(draw: st.DrawFn, depth: int = 3) -> str:
    """Statements that are well formed, though their jumps may lead anywhere."""
    simple = st.sampled_from(
        [
            *("wait 1s", "goto a", "goto b", "label a", "label b", "break", "continue", "end", "recover", "f()"),
            *("recover at a", "let x = x + 1", "call bob as c1", "log x", "g(x, bob)", 'g("1", bob)', "expect call"),
        ]
    )
    if depth == 0:
        return draw(simple)
    inner = st.lists(statements(depth - 1), max_size=3).map("; ".join)
    block = st.builds(
        lambda head, body, tail: head % body if tail is None or "%s else" in head else f"{head % body} {tail}",
        st.sampled_from(
            [
                *("if x > 1 { %s }", "repeat 2 times { %s }", "while x < 3 { %s }", "expect hangup else { %s }"),
                *("choose { hangup => { %s } }", 'choose { dtmf "1" => end; timeout => { %s } }', "hold else { %s }"),
            ]
        ),
        inner,
        st.none(),
    )
    return draw(st.one_of(simple, block, inner))


@given(statements(), statements(2), statements(2))
@settings(max_examples=600, deadline=None)
def test_a_program_without_errors_is_a_graph_without_problems(lane: str, first: str, second: str) -> None:
    survive(
        "let x = 1\n"
        f"define f() {{ {first.replace('f()', 'wait 1s')} }}\n"
        f"define g(p, q) {{ {second.replace('g(x, bob)', 'f()').replace(chr(34) + '1' + chr(34), 'p')} }}\n"
        f"on alice {{ call bob as c0; {lane} }}\non bob: answer; expect hangup\n"
    )


def calls(name: str, count: int) -> str:
    return "; ".join([f"{name}()"] * count)


def tower(height: int, width: int, last: str = "wait 1s") -> str:
    """Definitions each of which calls the next one `width` times."""
    levels = [f"define d{level}() {{ {calls(f'd{level + 1}', width)} }}\n" for level in range(height)]
    return "".join([*levels, f"define d{height}() {{ {last} }}\n", "on a { call b; d0() }\non b: answer\n"])


LARGE = {
    "a tower of twos": tower(40, 2),
    "a tower of tens that does nothing": tower(12, 10, last=""),
    "a high tower": tower(2_000, 1),
    "a long chain that ends in itself": tower(2_000, 1, last="d0()"),
    "arguments that double": "".join(f"define d{n}(x) {{ d{n + 1}(x + x) }}\n" for n in range(60))
    + "define d60(x) { log x }\non a { call b; d0(1) }\non b: answer\n",
    "a long argument many times": "define d(x) { " + "log x; " * 5_000 + f'}}\non a {{ d("{"y" * 60_000}") }}\n',
    "labels upon labels": "on a { call b; " + "".join(f"label l{n}; " for n in range(6_000)) + "}\non b: answer\n",
    "a chain of jumps": "on a { call b; goto l0; "
    + "".join(f"label l{n}; goto l{n + 1}; " for n in range(3_000))
    + "label l3000 }\non b: answer\n",
    "a circle of jumps": "on a { call b; goto l0; "
    + "".join(f"label l{n}; goto l{(n + 1) % 3_000}; " for n in range(3_000))
    + "}\non b: answer\n",
    "else if after else if": "let x = 1\non a { call b; if x > 1 { wait 1s }"
    + " else if x > 1 { wait 1s }" * 100
    + " }\non b: answer\n",
    "many loops": "on a { call b; " + "repeat 2 times { wait 1s; break }; " * 2_500 + "}\non b: answer\n",
    "many arms": "on a { call b; choose { " + "".join(f'dtmf "{n}" => end; ' for n in range(4_000)) + "} }\n",
    "many variables in many branches": "on a { call b; "
    + "".join(f"let v{n} = {n}; " for n in range(2_500))
    + "hold else recover; " * 2_500
    + "}\non b: answer\n",
}  # fmt: skip


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_a_program_that_would_become_large_is_judged_in_bounded_time(text: str) -> None:
    with at_most(10.0):
        result = survive(text)
    assert len(result.diagnostics) <= 2 * MAX_DIAGNOSTICS
