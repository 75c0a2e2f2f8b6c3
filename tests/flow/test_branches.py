"""`if`, `repeat`, `while`, `goto`: which way a lane takes, and that it never takes one without knowing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow import events
from sipflow.flow import commands
from sipflow.flow.outcome import Failure
from sipflow.flow.statements.control import ordinal
from sipflow.flow.walker import MAX_STEPS_AT_ONCE
from sipflow.ir import ops
from sipflow.ir.expr import Literal
from sipflow.ir.graph import Agent, Graph, Lane, Node, Scenario
from tests.flow.play import Play
from tests.flow.test_lanes import answered, digit

UNKNOWN = 'agent peer = "sip:peer@192.0.2.1"\n'


def failure_of(play: Play, lane: str = "alice") -> Failure:
    entry = play.result(lane).failure
    assert entry is not None
    return entry.failure


@pytest.mark.parametrize(("value", "way"), [("2", "then"), ("3", "else")])
def test_if_takes_one_of_two_ways_and_goes_on_behind_both(value: str, way: str) -> None:
    text = f'on alice {{ let n = {value}; if n == 2 {{ log "then" }} else {{ log "else" }}; log "behind" }}'
    play = Play(text)
    assert play.logged() == [way, "behind"]
    assert play.told() == [f"n is {value}", f"n is {value}: {way}"]
    assert play.result("alice").passed


def test_an_if_without_an_else_goes_on() -> None:
    play = Play('on alice { if false { log "never" }; log "behind" }')
    assert play.logged() == ["behind"]


def test_else_if_goes_on_asking() -> None:
    text = 'on alice { let n = 2; if n == 1 { log "a" } else if n == 2 { log "b" } else { log "c" } }'
    assert Play(text).logged() == ["b"]


@pytest.mark.parametrize("construct", ["if media.mos > 1 { wait 1s }", "while media.mos > 1 { wait 1s }"])
def test_a_condition_without_a_value_is_a_failure_and_never_false(construct: str) -> None:
    play = answered(f'on alice {{ call peer; {construct}; log "never" }}')
    measure = play.take(commands.Measure)
    play.feed("alice", events.CallMeasured("alice-1", measure.token, {}, {}, ()))
    assert failure_of(play).code == "SF504"
    assert play.logged() == []


def test_what_is_measured_decides() -> None:
    play = answered('on alice { call peer; while media.loss > 1% { wait 1s }; log "fine" }')
    for loss, at in ((5.0, 0.0), (2.0, 1.0), (0.5, 2.0)):
        play.pass_time(at)
        measure = play.take(commands.Measure)
        play.feed("alice", events.CallMeasured("alice-1", measure.token, {"loss": loss}, {}, ()))
    assert play.logged() == ["fine"]
    assert [text for text in play.told() if "media.loss" in text] == [
        "media.loss is 5%: again", "media.loss is 2%: again", "media.loss is 0.5%: done",
    ]  # fmt: skip


def test_repeat_counts_and_says_so() -> None:
    play = Play('on alice { repeat 3 times { log "round" }; log "behind" }')
    assert play.logged() == ["round"] * 3 + ["behind"]
    assert play.told() == ["1st of 3 times", "2nd of 3 times", "3rd of 3 times", "done after 3 times"]


def test_an_inner_repeat_counts_anew_in_every_round_of_the_outer_one() -> None:
    play = Play('on alice { repeat 2 times { repeat 2 times { log "in" }; log "out" } }')
    assert play.logged() == ["in", "in", "out"] * 2


def test_a_goto_into_the_repeat_from_outside_counts_anew() -> None:
    text = """on alice {
      let n = 0
      label again
      repeat 2 times { log "round" }
      let n = n + 1
      if n < 2 { goto again }
    }"""
    assert Play(text).logged() == ["round"] * 4


def test_a_repeat_that_was_left_in_the_middle_counts_anew() -> None:
    text = """on alice {
      let n = 0
      label again
      repeat 3 times { break }
      let n = n + 1
      if n < 2 { goto again }
    }"""
    assert [told for told in Play(text).told() if "times" in told] == ["1st of 3 times", "1st of 3 times"]


def test_an_empty_repeat_counts_though_it_leads_to_itself() -> None:
    nodes = (
        Node("a.1", "a", "a", ops.Repeat(Literal(3.0)), arms=("a.1", "a.2"), text="repeat 3 times"),
        Node("a.2", "a", "a", ops.Log(Literal("behind")), text="log"),
    )
    play = Play(Graph(Scenario(), (Agent("a"),), (Lane("a", "a", "a.1"),), nodes))
    assert play.logged() == ["behind"]


@pytest.mark.parametrize(("times", "rounds"), [("0", 0), ("1 + 1", 2)])
def test_how_often_is_an_expression(times: str, rounds: int) -> None:
    assert Play(f'on alice {{ repeat {times} times {{ log "x" }} }}').logged() == ["x"] * rounds


def test_how_often_is_settled_when_it_begins() -> None:
    text = 'on alice { let n = 2; repeat n times { let n = 5; log "x" } }'
    assert Play(text).logged() == ["x"] * 2


@pytest.mark.parametrize("times", [2.5, -1.0, "three", True])
def test_what_is_no_number_of_times_fails(times: float | str | bool) -> None:
    node = Node("a.1", "a", "a", ops.Repeat(Literal(times)), arms=(None, None), text="repeat")
    play = Play(Graph(Scenario(), (Agent("a"),), (Lane("a", "a", "a.1"),), (node,)))
    assert failure_of(play, "a").code == "SF504"


def test_break_and_continue() -> None:
    text = """on alice {
      let n = 0
      while true {
        let n = n + 1
        if n == 2 { continue }
        if n == 4 { break }
        log "${n}"
      }
      log "behind"
    }"""
    assert Play(text).logged() == ["1", "3", "behind"]


def test_a_failure_in_a_loop_that_is_recovered_goes_on_in_the_loop() -> None:
    play = answered('on alice { call peer; repeat 2 times { expect dtmf "1" within 1s else { log "none"; recover } } }')
    play.pass_time(1.0)
    play.feed("alice", digit("1"), at=1.5)
    assert play.logged() == ["none"]
    assert "done after 2 times" in play.told()
    assert len(play.result("alice").recovered) == 1


def test_a_failure_that_is_carried_through_a_goto_still_fails_the_lane() -> None:
    text = 'on alice { check false else { goto bye }; log "never"; label bye; log "bye" }'
    play = Play(text)
    assert play.logged() == ["bye"]
    assert not play.result("alice").passed


def test_recover_at_a_place_goes_on_there_and_passes() -> None:
    play = Play('on alice { check false else recover at bye; log "never"; label bye; log "bye" }')
    assert play.logged() == ["bye"]
    assert play.result("alice").passed


@pytest.mark.parametrize(
    "text",
    [
        "on alice { while true { let n = 1 } }",
        "on alice { label x; let n = 1; goto x }",
        "on alice { label x; check false else { recover at x } }",
        "on alice { label x; check false else { goto x } }",
        "on alice { repeat 1000000 times { let n = 1 } }",
    ],
)
def test_a_loop_in_which_no_time_passes_ends_the_lane_and_says_why(text: str) -> None:
    play = Play(text)
    result = play.result("alice")
    assert not result.passed and play.scenario.done
    last = [event for event in play.happened if isinstance(event, events.NodeFailed)][-1]
    assert (last.code, last.got) == (
        "SF502", f"the lane passed {MAX_STEPS_AT_ONCE} statements without waiting once: its loop needs a `wait`"
    )  # fmt: skip


def test_a_loop_that_only_measures_is_one_in_which_no_time_passes() -> None:
    """Measurements are answered at once: waiting for them is no waiting."""
    play = answered('on alice { call peer; while media.packets_received < 100 { log "x" } }')
    for _ in range(MAX_STEPS_AT_ONCE):
        if play.result("alice").failure is not None:
            break
        token = play.take(commands.Measure).token
        play.feed("alice", events.CallMeasured("alice-1", token, {"packets_received": 1}, {}, ()), at=play.now + 0.001)
    assert "without waiting once" in failure_of(play).got


def test_a_long_loop_that_waits_may_go_on() -> None:
    play = Play(f"on alice {{ repeat {MAX_STEPS_AT_ONCE} times {{ wait 10ms }} }}")
    play.pass_time(101)
    assert play.result("alice").passed


def test_random_gives_the_condition_and_its_explanation_the_same_number() -> None:
    for seed in range(1, 20):
        play = Play('on alice { if random(1, 6) > 3 { log "high" } else { log "low" } }', seed=seed)
        number = int(play.told()[0].split(" is ")[1].split(":")[0])
        assert play.logged() == ["high" if number > 3 else "low"]


def test_each_lane_has_random_numbers_of_its_own_and_the_seed_gives_them_again() -> None:
    text = 'on alice { log "${random(1, 1000000)}" }\non bob { log "${random(1, 1000000)}" }'
    first, second = Play(text, seed=7).logged()
    assert first != second
    assert Play(text, seed=7).logged() == [first, second]
    assert Play(text, seed=8).logged() != [first, second]


def test_a_failure_names_its_source_and_the_calls_of_the_definition_it_stands_in() -> None:
    from sipflow.ir.span import Span

    node = Node("a.1", "a", "a", ops.Fail(Literal("no")), text='fail "no"')
    node = replace(node, span=Span("common.sflow", 3, 2, 3, 11), via=(Span("ivr.sflow", 12, 1, 12, 5),))
    play = Play(Graph(Scenario(), (Agent("a"),), (Lane("a", "a", "a.1"),), (node,), source="ivr.sflow"))
    failed = next(event for event in play.happened if isinstance(event, events.NodeFailed))
    assert (failed.source, failed.column, failed.via) == ("common.sflow", 2, (("ivr.sflow", 12),))


def test_ordinals() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 101, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "101st", "111th",
    ]  # fmt: skip
