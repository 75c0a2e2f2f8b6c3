"""Laws of whole calls: whatever the network loses, delays and turns around, nothing is left over in the end."""

from __future__ import annotations

import gc
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.media_params import Direction
from sipflow.sip.call import Call
from sipflow.sip.config import SessionTimerConfig
from tests.sip.pair import Agent, World, media

SCRIPTS = (
    "answer", "ring", "progress", "reject", "release", "modify", "update", "refresh", "refer", "request", "subscribe",
    "wait", "sleep",
)  # fmt: skip


def act(world: World, agent: Agent, peer: Agent, call: str, what: str) -> None:
    """One step of a random user; one that comes at a wrong time is refused, and nothing more."""
    try:
        match what:
            case "answer":
                agent.do("answer", call, media(agent.address[1] + 1000))
            case "progress":
                agent.do("progress", call, media(agent.address[1] + 1000))
            case "reject":
                agent.do("reject", call, 486, None)
            case "modify":
                agent.do("modify", call, media(agent.address[1] + 1000, direction=Direction.SENDONLY))
            case "update":
                agent.do("update", call, media(agent.address[1] + 1002))
            case "refresh":
                agent.do("update", call, None)
            case "subscribe":
                agent.do("request", "SUBSCRIBE", target=peer.uri, headers=(("Event", "x"), ("Expires", "100")))
            case "sleep":
                world.run_for(50.0)
            case "refer":
                agent.do("refer", call, peer.uri)
            case "request":
                agent.do("request", "INFO", call=call, body="x")
            case "ring" | "release":
                agent.do(what, call)
            case _:
                world.run_for(0.7)
    except MisuseError:
        pass


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.2),
    jitter=st.sampled_from([0.0, 0.03, 0.9]),
    script=st.lists(st.tuples(st.booleans(), st.sampled_from(SCRIPTS)), max_size=12),
    late_offer=st.booleans(),
    provisional=st.tuples(*[st.sampled_from(["off", "supported", "required"])] * 2),
    timer=st.sampled_from([None, SessionTimerConfig(90), SessionTimerConfig(120, "local", 120)]),
)
def test_nothing_is_left_when_all_timers_have_run(seed, loss, jitter, script, late_offer, provisional, timer):
    world = World(seed, delay=0.01, jitter=jitter, loss=loss)
    alice, bob = (
        world.agent(name, provisional=wish, session_timer=timer, accepts=frozenset({"SUBSCRIBE"}))
        for name, wish in zip(("alice", "bob"), provisional, strict=True)
    )
    alice.do("invite", "c1", bob.uri, media(4000), body=b"" if late_offer else None)
    world.run_for(1.0)
    for by_caller, what in script:
        if by_caller:
            act(world, alice, bob, "c1", what)
        else:
            act(world, bob, alice, "bob-in1", what)
        world.run_for(0.2)
    alice.do("close")
    bob.do("close")
    world.run()
    for agent in (alice, bob):
        assert agent.ua.idle
        released = [event.call for event in agent.events(events.CallReleased)]
        known = [event.call for event in agent.events(events.CallIncoming)] + (["c1"] if agent is alice else [])
        assert sorted(released) == sorted(known), "every call is released once"
        story = agent.story()
        assert story.count("CallEnded") + story.count("CallRejected") == len(known)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), loss=st.floats(0, 0.2), jitter=st.sampled_from([0.0, 0.3]))
def test_a_call_gets_through_a_bad_network(seed, loss, jitter):
    """At 20 % loss eleven transmissions in a row are lost once in 50 million calls."""
    world = World(seed, delay=0.01, jitter=jitter, loss=loss)
    alice, bob = world.agent("alice"), world.agent("bob")
    alice.do("invite", "c1", bob.uri, media(4000))
    world.run_for(10.0)
    if not bob.events(events.CallIncoming):
        return  # INVITE backs off without limit: five losses in a row are possible
    bob.do("answer", "bob-in1", media(5000))
    world.run_for(31.0)
    assert alice.session("c1").state == "established"
    assert bob.events(events.CallConfirmed) == [events.CallConfirmed("bob-in1")]
    bob.do("release", "bob-in1")
    world.run()
    assert alice.ends() == [("c1", "remote", "bye", "")]
    assert alice.ua.idle and bob.ua.idle


@pytest.mark.parametrize("config", [{}, {"provisional": "required"}, {"session_timer": SessionTimerConfig(90)}])
def test_released_calls_need_no_garbage_collector(config):
    """With thousands of calls its pauses would be heard: nothing of a call that is over may refer to itself."""
    world = World()
    alice, bob = (world.agent(name, ended_sessions_kept=0, **config) for name in ("alice", "bob"))
    gc.collect()
    gc.disable()
    try:
        for number in range(3):
            alice.do("invite", f"c{number}", bob.uri, media(4000))
            world.settle()
            incoming = bob.events(events.CallIncoming)[-1].call
            bob.do("progress", incoming, media(5000))
            world.settle()
            bob.do("answer", incoming, media(5000))
            world.run_for(50.0)
            alice.do("release", f"c{number}")
            world.settle()
        assert sum(isinstance(item, Call) for item in gc.get_objects()) == 0
    finally:
        gc.enable()


def test_the_same_seed_gives_the_same_bytes():
    def run() -> list[tuple[float, events.Payload]]:
        world = World(5, delay=0.01, jitter=0.5, loss=0.2)
        alice, bob = world.agent("alice"), world.agent("bob")
        alice.do("invite", "c1", bob.uri, media(4000))
        world.run_for(3.0)
        bob.do("answer", "bob-in1", media(5000))
        world.run_for(5.0)
        alice.do("close")
        world.run()
        return alice.log + bob.log

    assert run() == run()


@pytest.mark.parametrize("seed", range(3))
def test_many_calls_at_once(seed):
    world = World(seed, delay=0.01, jitter=0.2, loss=0.1)
    alice, bob = world.agent("alice", trace=False), world.agent("bob", trace=False)
    chance = random.Random(seed)
    for number in range(60):
        alice.do("invite", f"c{number}", bob.uri, media(4000 + 2 * number))
        world.run_for(0.05)
    world.run_for(5.0)
    for event in bob.events(events.CallIncoming):
        act(world, bob, alice, event.call, chance.choice(["answer", "reject", "ring"]))
    world.run_for(20.0)
    alice.do("close")
    bob.do("close")
    world.run()
    assert alice.ua.idle and bob.ua.idle
    assert len(alice.events(events.CallReleased)) == 60
