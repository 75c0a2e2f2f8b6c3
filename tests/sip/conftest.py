"""The world of most tests here, and the two who call each other in it; a file that needs others has its own."""

from __future__ import annotations

import pytest

from tests.sip.pair import Agent, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def alice(world: World) -> Agent:
    return world.agent("alice")


@pytest.fixture
def bob(world: World) -> Agent:
    return world.agent("bob")
