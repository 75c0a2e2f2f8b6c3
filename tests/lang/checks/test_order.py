"""Ways that no run takes."""

from __future__ import annotations

import pytest

from tests.lang.checks.said import BOB, codes, notes, only, words


def on_alice(statements: str) -> str:
    return f"on alice {{ call bob\n{statements} }}{BOB}"


def test_nothing_comes_behind_a_loop_without_an_end() -> None:
    text = on_alice("while true { wait 1s }\nrelease")
    found = only(text, "SF313")
    assert words(text, found) == "release" and notes(text, found) == ["while true"]


@pytest.mark.parametrize(
    "statements",
    [
        "while true { wait 1s; break }\nrelease",
        'while true { choose { dtmf "1" => break; timeout => log "x" } }\nrelease',
        'while true { wait 1s; if env.X == "1" { goto out } }\nlabel out; release',
        "while true { wait 1s; check media.loss < 1% }",
        'while env.X == "1" { wait 1s }\nrelease',
    ],
)
def test_a_loop_may_be_left_by_a_jump(statements: str) -> None:
    assert "SF313" not in codes(on_alice(statements))


@pytest.mark.parametrize(
    "condition",
    ["true", "not true", "1 == 2", '"a" == "a"', "1s < 2s", "true or media.loss > 1%", "false and media.loss > 1%"],
)
def test_a_condition_of_constants_is_none(condition: str) -> None:
    text = on_alice(f'if {condition} {{ log "x" }}\nrelease')
    assert words(text, only(text, "SF314")) == condition


@pytest.mark.parametrize("statement", ["while false { wait 1s }", "repeat 0 times { wait 1s }"])
def test_a_loop_that_is_never_entered_is_none(statement: str) -> None:
    assert codes(on_alice(f"{statement}\nrelease")) == ["SF314"]


@pytest.mark.parametrize(
    "text",
    [
        on_alice('if true and media.loss > 1% { log "x" }\nrelease'),
        on_alice('if env.X matches /x/ { log "x" }\nrelease'),
        f"let x = 1\n{on_alice('if x == 1 { log x }; release')}",
        'define say(x) { if x == "1" { log "one" } }\n' + on_alice('say("0"); say("1"); release'),
    ],
)
def test_what_shows_in_the_run_or_at_a_call_of_a_definition_is_a_condition(text: str) -> None:
    assert codes(text) == []


SENDER = '\non bob: answer; send dtmf "12"; expect hangup\n'


@pytest.mark.parametrize(
    ("arms", "number"),
    [
        ('dtmf => log "any"; dtmf "1" => log "one"; dtmf "2" => log "two"', 2),
        ('dtmf "1" => log "one"; dtmf => log "any"; dtmf "2" => log "two"', 1),
        ('dtmf "1" => log "one"; dtmf "2" => log "two"; dtmf => log "any"', 0),
        ('dtmf on c1 => log "any"; dtmf "1" on c2 => log "one"', 0),
    ],
)
def test_an_arm_behind_one_that_takes_everything_is_never_taken(arms: str, number: int) -> None:
    text = f"on alice {{ call bob as c1; call bob as c2; choose {{ {arms} }} }}{SENDER}"
    assert codes(text) == ["SF315"] * number
