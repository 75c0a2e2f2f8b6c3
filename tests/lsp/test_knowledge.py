"""What is known of the language covers the language."""

from __future__ import annotations

import re

from sipflow.ir import measurements
from sipflow.lang.literals import UNITS
from sipflow.lang.lower.codecs import CANONICAL
from sipflow.lang.lower.words import WORDS as SETTING_WORDS
from sipflow.lang.tables import load_tables
from sipflow.lsp.completion.suggestion import plain
from sipflow.lsp.knowledge import EVENT_WORDS, MEASUREMENTS, RULES, UNIT_WORDS, WORDS


def test_every_rule_of_the_grammar_has_an_entry_and_no_other() -> None:
    rules = {rule.origin for rule in load_tables().rules if not rule.origin.startswith("_")}
    assert rules == set(RULES)


def test_every_measurement_is_explained() -> None:
    names = {f"{group}.{name}" for group, names in measurements.GROUPS.items() for name in names}
    assert names == set(MEASUREMENTS)


def test_every_unit_and_every_word_of_a_setting_is_explained() -> None:
    assert set(UNITS) == set(UNIT_WORDS)
    assert set(CANONICAL) == set(WORDS["codecs"])
    assert {rule: set(words) for rule, words in SETTING_WORDS.items()} == {
        rule: set(WORDS[rule]) for rule in SETTING_WORDS
    }


def test_every_event_of_one_word_is_explained() -> None:
    grammar = load_tables()
    events = {"ringing", "progress", "answered", "hangup", "held", "resumed", "transfer", "transferred", "notify"}
    events |= {"recorded", "played", "audio", "registered", "unregistered", "info", "message", "options"}
    events |= {"subscribe", "update", "request"}
    assert set(EVENT_WORDS) == events <= set(grammar.words)


def test_whatever_goes_over_the_wire_has_a_source() -> None:
    entries = [*RULES.items(), *EVENT_WORDS.items()]
    assert [
        name for name, entry in entries if entry.messages and not entry.source and "RTP" not in entry.messages
    ] == []
    sources = " ".join(entry.source for _, entry in entries)
    assert re.search(r"RFC \d{4}", sources)


def test_snippets_are_sentences_of_the_language() -> None:
    """What an editor puts in is read without a syntax error, its proposals filled in."""
    from sipflow.lang.parse import parse
    from sipflow.lsp.knowledge.statements import CALLS, FLOW, MEDIA

    whole = {
        "play",
        "record",
        "send_dtmf",
        "impair",
        "wait",
        "label",
        "goto",
        "signal",
        "await_signal",
        "check",
        "repeat",
    }
    for rule, entry in {**CALLS, **MEDIA, **FLOW}.items():
        if entry.snippet and rule in whole | set(CALLS):
            text = f"on alice {{\n{plain(entry.snippet)}\n}}\n"
            assert parse(text).diagnostics == (), (rule, text)
