"""The table `editors/words.toml`, held against the grammar."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editors.generator.grammar import Grammar

WORDS_FILE = Path(__file__).parents[1] / "words.toml"


class TableError(Exception):
    """The table and the grammar do not have the same words."""


@dataclass(frozen=True, slots=True)
class Family:
    """What is shown alike."""

    textmate: str
    """Scope, without the language at its end."""
    vim: str
    """Standard highlight group."""
    emacs: str
    """Face."""


@dataclass(frozen=True, slots=True)
class Words:
    """The table."""

    families: dict[str, Family]
    places: dict[str, dict[str, str]]
    """Place to word to family."""
    names: dict[str, str]
    """Rule that takes a name to the scope of the name."""
    signs: dict[str, str]
    """Sign to scope."""
    literals: dict[str, str]
    """Terminal to scope, empty for layout."""

    def scope(self, place: str, word: str) -> str:
        """The scope of a word at a place."""
        return self.families[self.places[place][word]].textmate


def load_words(grammar: Grammar) -> Words:
    """The table; TableError names what the grammar has and the table has not, or the other way round."""
    words = words_from_table(tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")))
    differences = differences_between(words, grammar)
    if differences:
        raise TableError("\n".join(differences))
    return words


def words_from_table(table: dict[str, Any]) -> Words:
    """The values of the table as it was read."""
    return Words(
        {name: Family(**family) for name, family in table["families"].items()},
        {place: _inverted(families) for place, families in table["words"].items()},
        _inverted({name["textmate"]: name["rules"] for name in table["names"].values()}),
        _inverted(table["signs"]),
        table["literals"],
    )


def _inverted(lists: dict[str, str]) -> dict[str, str]:
    inverted: dict[str, str] = {}
    for name, text in lists.items():
        for word in text.split():
            if inverted.setdefault(word, name) != name:
                raise TableError(f"{word} is {inverted[word]} and {name} at once")
    return inverted


def differences_between(words: Words, grammar: Grammar) -> list[str]:
    """What the grammar has and the table has not, and the other way round."""
    told = {f"{place} words": set(of_place) for place, of_place in words.places.items()}
    meant = {f"{place} words": set(of_place) for place, of_place in grammar.places.items()}
    told |= {"names": set(words.names), "signs": set(words.signs), "literals": set(words.literals)}
    meant |= {
        "names": set(grammar.naming_rules),
        "signs": set(grammar.tables.signs),
        "literals": set(grammar.tables.patterns),
    }
    found = []
    for what in sorted(told.keys() | meant.keys()):
        missing, extra = meant.get(what, set()) - told.get(what, set()), told.get(what, set()) - meant.get(what, set())
        found += [f"{what}: words.toml lacks {', '.join(sorted(missing))}"] * bool(missing)
        found += [f"{what}: the grammar lacks {', '.join(sorted(extra))}"] * bool(extra)
    return found
