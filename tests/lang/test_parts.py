"""Parsing part by part gives what parsing the whole gives, whatever is edited."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sipflow.lang.parse import parse
from sipflow.lang.parts import PartMemory
from tests.lang.edits import edited

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("**/*.sflow"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_edit_gives_the_tree_and_the_mistakes_of_the_whole(path: Path) -> None:
    memory, rng = PartMemory(), random.Random(path.stem)
    original = path.read_text(encoding="utf-8")
    for _ in range(40):
        text = original
        for _ in range(rng.randrange(4)):
            text = edited(text, rng)
            assert parse(text, "x", memory) == parse(text, "x")


def test_what_did_not_change_is_not_parsed_again() -> None:
    memory = PartMemory()
    text = "agent alice {}\nagent bob {}\non alice { call bob }\non bob { answer }\n"
    before = parse(text, "x", memory).tree.root.children
    after = parse(text.replace("answer", "answer; release"), "x", memory).tree.root.children
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, True, True, False]


def test_a_text_without_parts_and_an_empty_one() -> None:
    memory = PartMemory()
    for text in ("", "\n\n", "# only a comment", "let a = 1"):
        assert parse(text, "x", memory) == parse(text, "x")


def test_many_texts_do_not_fill_the_memory() -> None:
    memory = PartMemory()
    for number in range(5000):
        parse(f"agent a{number} {{}}\n", "x", memory)
    assert len(memory._parts) <= 2000
