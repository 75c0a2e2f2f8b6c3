"""What the grammar says about words: where each may stand, and what may follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise

from sipflow.lang.tables import GRAMMAR_FILE, START_SYMBOLS, Tables, load_tables

PLACES = {
    "declaration": ("_item",),
    "setting": ("_agent_item", "_tls_item", "_registrar_item", "_media_item", "_load_item", "_with_item"),
    "statement": ("_statement",),
    "event": ("_event", "timeout_arm"),
}
"""Place to the rules that begin there. There are two more: `option` for words inside of what another word began, and
`expression`."""
PARTS = frozenset(PLACES["setting"]) | {
    "_with_body", "_item", "_event", "_arm", "_statement", "_expr", "_string", "block", "broken",
}  # fmt: skip
"""What stands in a phrase and is none of its own words: for each of them editors have a pattern of its own."""

_Rules = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a word begins at its place: `play "x.wav" loop`, `codecs pcma, pcmu`."""

    head: str
    seconds: frozenset[str]
    """Words that may stand behind the head at once."""
    laters: frozenset[str]
    """Words that may come after something else."""
    parts: frozenset[str]
    """Which of PARTS it may hold."""
    names: frozenset[tuple[str, str]]
    """Pairs (word, rule): behind the word may stand a name, which the rule takes."""


class Grammar:
    """The rules of `sflow.lark`."""

    def __init__(self, rules: _Rules, tables: Tables) -> None:
        self.rules = rules
        """Rule to its alternatives: names of rules (lower case) and of terminals (upper case)."""
        self.tables = tables
        self.words = {terminal: word for word, terminal in tables.words.items()}

    @cached_property
    def places(self) -> dict[str, frozenset[str]]:
        """Place to the words that the grammar has there."""
        phrases = {
            place: [phrase for rule in rules for phrase in self.phrases(rule)] for place, rules in PLACES.items()
        }
        heads = {place: frozenset(phrase.head for phrase in found) for place, found in phrases.items()}
        inner = {word for found in phrases.values() for phrase in found for word in phrase.seconds | phrase.laters}
        return heads | {
            "option": frozenset(inner | self._words_below("_clause") | self._words_below("otherwise")),
            "expression": frozenset(self._words_below("_expr")),
        }

    @cached_property
    def naming_rules(self) -> frozenset[str]:
        """Rules that take names themselves."""
        return frozenset(rule for rule in self.rules if not rule.startswith("__") and "NAME" in self._own_symbols(rule))

    def phrases(self, rule: str) -> tuple[Phrase, ...]:
        """What may stand where this rule of PLACES does, one phrase a head."""
        by_head: dict[str, set[str]] = {}
        for alternative in self._alternatives(rule):
            for head in self._edge(alternative, 0) & self.words.keys():
                by_head.setdefault(head, set()).add(alternative)
        return tuple(self._phrase(head, rules) for head, rules in sorted(by_head.items()))

    def _phrase(self, head: str, rules: Iterable[str]) -> Phrase:
        inside = set().union(*(self._reachable(rule) for rule in rules))
        pairs = {(left, right) for left, right in self._pairs(inside) if right in self.words}
        symbols = set().union(*(self._symbols(rule) for rule in inside))
        return Phrase(
            self.words[head],
            frozenset(self.words[right] for left, right in pairs if left == head),
            frozenset(self.words[right] for left, right in pairs if left != head),
            frozenset(symbols & PARTS),
            frozenset((word, rule) for rule in inside for word in self._words_before_name(rule)),
        )

    def _words_before_name(self, rule: str) -> set[str]:
        pairs = {pair for body in self.rules[rule] for pair in pairwise(body)}
        return {self.words[left] for left, right in pairs if right == "NAME" and left in self.words}

    def _alternatives(self, rule: str) -> Iterator[str]:
        """The rules that one stands for whose name says that it leaves no node; of a statement only its action."""
        if not rule.startswith("_") and rule != "statement":
            yield rule
            return
        for first in dict.fromkeys(body[0] for body in self.rules[rule]):
            if first in self.rules:
                yield from self._alternatives(first)

    def _words_below(self, rule: str) -> set[str]:
        found = set().union(*(self._symbols(name) for name in self._reachable(rule)))
        return {self.words[symbol] for symbol in found & self.words.keys()}

    def _reachable(self, rule: str) -> set[str]:
        """A rule and all below it; parts are not entered."""
        found = {rule}
        queue = [rule]
        for name in queue:
            new = (self._symbols(name) & self.rules.keys()) - PARTS - found
            found |= new
            queue += new
        return found

    def _symbols(self, rule: str) -> set[str]:
        return {symbol for body in self.rules[rule] for symbol in body}

    def _own_symbols(self, rule: str) -> set[str]:
        """Those of the rule and of the rules that lark made for its repetitions."""
        own = self._symbols(rule)
        return own.union(*(self._symbols(name) for name in own if name in self.rules and name.startswith("__")))

    def _edge(self, rule: str, index: int, seen: frozenset[str] = frozenset()) -> set[str]:
        """Terminals and parts with which a rule begins (index 0) or ends (index -1)."""
        found: set[str] = set()
        for symbol in {body[index] for body in self.rules[rule]}:
            if symbol in PARTS or symbol not in self.rules:
                found.add(symbol)
            elif symbol not in seen:
                found |= self._edge(symbol, index, seen | {rule})
        return found

    def _pairs(self, rules: Iterable[str]) -> set[tuple[str, str]]:
        """Which terminals and parts stand beside each other in these rules."""
        beside = {pair for rule in rules for body in self.rules[rule] for pair in pairwise(body)}
        return {(last, first) for left, right in beside for last in self._at(left, -1) for first in self._at(right, 0)}

    def _at(self, symbol: str, index: int) -> set[str]:
        return {symbol} if symbol in PARTS or symbol not in self.rules else self._edge(symbol, index)


@cache
def load_grammar() -> Grammar:
    """The grammar of this checkout."""
    from lark import Lark

    text = files("sipflow.grammar").joinpath(GRAMMAR_FILE).read_text(encoding="utf-8")
    rules: _Rules = {}
    for rule in Lark(text, parser="lalr", lexer="contextual", start=list(START_SYMBOLS)).rules:
        rules.setdefault(str(rule.origin.name), []).append(tuple(str(symbol.name) for symbol in rule.expansion))
    rules["file"].remove(())
    return Grammar(rules, load_tables())
