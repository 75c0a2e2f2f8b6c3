"""The crowd as a machine: which scenario an event belongs to, when one begins, and that nothing is left of it."""

from __future__ import annotations

from collections.abc import Callable

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.flow import commands
from sipflow.lang import compile_text
from sipflow.load.arrivals import ENDLESS, Arrivals, Curve, Segment
from sipflow.load.crowd import Crowd, CrowdConfig, Ended
from sipflow.load.meter import Meter
from sipflow.plan.plan import make_plan

TWO_SIDES = "on alice: call bob; release\non bob: answer; expect hangup"


class World:
    """A crowd, what it wants done, and what became of its scenarios."""

    def __init__(self, text: str, curve: Curve, **settings: object) -> None:
        graph = compile_text(text).graph
        assert graph is not None
        plan = make_plan(graph)
        self.ended: list[Ended] = []
        arrivals = Arrivals(curve, "uniform", 0, calls=None)
        config = CrowdConfig(plan, arrivals, lambda number: plan, ended=self.ended.append, **settings)  # type: ignore[arg-type]
        self.meter = Meter()
        self.crowd = Crowd(config, self.meter)
        self.now = 0.0
        self.crowd.start(0.0)
        self.crowd.begin(1.0)

    def at(self, now: float) -> list[commands.Command]:
        self.now = now
        self.crowd.handle_timer(now)
        return list(self.crowd.outputs())

    def happened(self, agent: str, payload: Payload) -> list[commands.Command]:
        call = getattr(payload, "call", "")
        self.crowd.take(Record(self.now, agent, call or "", "", 0, payload))
        self.crowd.receive(agent, payload, self.now)
        return list(self.crowd.outputs())

    def incoming(self, agent: str, call_id: str) -> tuple[str, list[commands.Command]]:
        call = self.crowd.new_call_id(agent)
        headers = (("Call-ID", call_id),)
        return call, self.happened(agent, events.CallIncoming(call, "sip:x@y", "sip:b@y", "sip:b@y", None, headers))


def of(kind: type[commands.Command], found: list[commands.Command]) -> list[commands.Command]:
    return [command for command in found if type(command) is kind]


def hold(rate: float, seconds: float) -> Curve:
    return Curve((Segment(rate, rate, seconds),))


def test_calls_begin_at_their_planned_time_and_the_deadline_is_the_next_one() -> None:
    world = World(TWO_SIDES, hold(10, 1))
    assert world.crowd.next_deadline() == 1.0
    assert len(of(commands.PlaceCall, world.at(1.0))) == 1
    assert abs((world.crowd.next_deadline() or 0.0) - 1.1) < 1e-9
    assert len(of(commands.PlaceCall, world.at(1.35))) == 3, "those that are late begin at once"


def test_nothing_begins_once_it_was_closed_although_the_plan_has_more() -> None:
    world = World("on alice: wait 1h", hold(10, 60))
    world.at(1.05)
    world.crowd.close(1.05, "stopped")
    assert [one.passed for one in world.ended] == [] and list(world.crowd.outputs()) == []
    assert (world.crowd.next_deadline() or 3600.0) >= 3600.0, "the next call of the plan is nothing to wait for"
    world.at(9.0)
    assert world.meter.metrics.get("started") == len(world.ended) == 1
    assert world.crowd.done


def test_a_cause_has_no_times_in_it_and_no_gaps_where_they_were() -> None:
    world = World("on alice: call bob; expect hangup within 1s\non bob: answer; release", hold(1, 1))
    world.at(1.0)
    world.happened("alice", events.CallPlaced("alice-1", "bob", "id-1"))
    world.happened("alice", events.CallRinging("alice-1", 180))
    world.happened("alice", events.CallAnswered("alice-1"))
    world.at(3.0)
    world.happened("alice", events.CallReleased("alice-1", 200))
    world.at(400.0)
    (cause,) = world.meter.metrics.named("cause/")
    assert cause == "expect hangup within 1s (line 1): nothing came; what came: 180 ringing"


def test_an_incoming_call_goes_to_the_scenario_that_placed_it_whatever_the_order() -> None:
    world = World(TWO_SIDES, hold(10, 1))
    world.at(1.15)
    for number in (1, 2):
        world.happened("alice", events.CallPlaced(f"alice-{number}", "bob", f"id-{number}"))
    second, done = world.incoming("bob", "id-2")
    assert [command.call for command in of(commands.AnswerCall, done)] == [second]  # type: ignore[attr-defined]
    first, done = world.incoming("bob", "id-1")
    assert [command.call for command in of(commands.AnswerCall, done)] == [first]  # type: ignore[attr-defined]
    world.happened("alice", events.CallAnswered("alice-1"))
    assert world.crowd.place(first, "bob") is not None
    assert world.meter.metrics.get("sip/nobodys_calls") == 0


def test_a_call_whose_id_was_changed_on_the_way_goes_to_who_has_waited_longest() -> None:
    world = World(TWO_SIDES, hold(10, 1))
    world.at(1.15)
    answered = [of(commands.AnswerCall, world.incoming("bob", f"of-a-b2bua-{n}")[1]) for n in range(3)]
    assert [len(found) for found in answered] == [1, 1, 0]
    assert world.meter.metrics.get("sip/nobodys_calls") == 1


def finish(world: World, number: int) -> None:
    """Both sides of a call, from the answer to the last message."""
    alice, bob = f"alice-{number}", f"bob-{number}"
    world.happened("bob", events.CallConfirmed(bob))
    world.happened("alice", events.CallAnswered(alice))
    world.happened("alice", events.CallEnded(alice, "local", "bye"))
    world.happened("bob", events.CallEnded(bob, "remote", "bye"))
    world.happened("bob", events.CallReleased(bob, 200))
    world.happened("alice", events.CallReleased(alice, 200))


def test_nothing_is_left_of_a_call_that_is_over() -> None:
    world = World(TWO_SIDES, hold(10, 0.2))
    world.at(1.15)
    for number in (1, 2):
        world.happened("alice", events.CallPlaced(f"alice-{number}", "bob", f"id-{number}"))
        world.incoming("bob", f"id-{number}")
        finish(world, number)
    crowd = world.crowd
    assert [ended.passed for ended in world.ended] == [True, True]
    kept = crowd._members, crowd._by_call, crowd._by_dialog, crowd._dialogs, crowd._unclaimed, *crowd._waiting.values()
    assert [len(one) for one in kept] == [0] * len(kept)
    assert crowd.done
    taken = world.meter.take()
    assert (taken.get("planned"), taken.get("started"), taken.get("ended")) == (2, 2, 2)


def test_events_of_calls_that_are_long_over_harm_nobody() -> None:
    world = World(TWO_SIDES, hold(10, 0.1))
    assert world.happened("bob", events.CallReleased("bob-77", 200)) == []
    assert world.happened("bob", events.CommandFailed("", (9 << 20) | 5, "late")) == []


def test_set_up_time_counts_from_the_plan() -> None:
    world = World(TWO_SIDES, hold(10, 0.1))
    world.at(1.5)
    world.happened("alice", events.CallPlaced("alice-1", "bob", "id"))
    world.now = 1.75
    world.happened("alice", events.CallAnswered("alice-1"))
    setup = world.meter.take().histograms["sip.setup_time"]
    assert setup.statistic("max") == 750.0, "half a second late, a quarter until it was answered"


def test_a_200_whose_description_is_of_no_use_was_an_answer_all_the_same() -> None:
    world = World('on alice: call "sip:x@192.0.2.9"; release', hold(1, 1))
    call = placed_in(world.at(1.0))
    world.happened("alice", events.CallPlaced(call, "sip:x@192.0.2.9", "x@h"))
    world.happened("alice", events.MediaRefused(call, "no common codec"))
    world.happened("alice", events.CallEnded(call, "local", "error", "no common codec"))
    world.happened("alice", events.CallReleased(call, 200))
    metrics = world.meter.metrics
    assert metrics.named("code/") == {"200": 1} and metrics.get("sip/answered") == metrics.get("failed") == 1


def placed_in(found: list[commands.Command]) -> str:
    """The call that is to be placed."""
    (command,) = (command for command in found if isinstance(command, commands.PlaceCall))
    return command.call


def refuse(world: World, call: str) -> list[commands.Command]:
    """It cannot be placed; gives what is done then."""
    rejected = events.CallRejected(call, 503, "no port is free", local=True, environment=True)
    return world.happened("alice", rejected) + world.happened("alice", events.CallReleased(call, 503))


def test_a_callee_whose_caller_could_not_call_does_not_wait_for_him() -> None:
    world = World(TWO_SIDES, hold(1, 1))
    refuse(world, placed_in(world.at(1.0)))
    (over,) = world.ended
    assert not over.passed and over.ended_at == world.now == 1.0
    gone = [result.failure.failure.got for result in over.results if result.failure is not None]
    assert "no port is free" in gone[0] and gone[1] == "nobody will call: no call could be placed"
    (cause,) = world.meter.metrics.named("cause/")
    assert "no port is free" in cause


def test_a_callee_waits_on_while_a_call_may_still_come() -> None:
    """That of the second try; or one that was placed, and comes through something slow."""
    retries = World("on alice { call bob else { call bob }; release }\non bob: answer; expect hangup", hold(1, 1))
    second = placed_in(refuse(retries, placed_in(retries.at(1.0))))
    assert not retries.ended
    refuse(retries, second)
    assert len(retries.ended) == 1
    placed = World(TWO_SIDES, hold(1, 1))
    call = placed_in(placed.at(1.0))
    placed.happened("alice", events.CallPlaced(call, "sip:bob@h", "x@h"))
    refuse(placed, call)
    assert not placed.ended


def test_a_file_that_only_answers_begins_with_the_calls_that_come() -> None:
    world = World("on bob: answer; expect hangup", Curve((Segment(0, 0, ENDLESS),)), calls=2)
    assert world.crowd.answers_only and not world.crowd.done
    answers: Callable[[str], int] = lambda name: len(of(commands.AnswerCall, world.incoming("bob", name)[1]))  # noqa: E731
    assert [answers(f"id-{number}") for number in range(3)] == [1, 1, 0]


def test_a_file_that_only_answers_is_over_when_its_time_is() -> None:
    world = World("on bob: answer; expect hangup", Curve((Segment(0, 0, 5.0),)))
    assert world.crowd.next_deadline() == 6.0
    world.at(6.0)
    assert world.crowd.done
