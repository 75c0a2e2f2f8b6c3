"""The LALR tables of the grammar.

lark makes them from `grammar/sflow.lark`, which takes longer than a whole `sipflow check` may. So they are kept beside
the grammar (`python -m sipflow.lang.tables` writes them), together with the text of the grammar that they were made
from: tables of another grammar are never used, they are made anew in memory. A row is a line of numbers until the
parser comes to its state: a short scenario does not come to one in ten.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sipflow import grammar as package
from sipflow.values import dataclass

GRAMMAR_FILE = "sflow.lark"
TABLES_FILE = "sflow.tables.json"
START_SYMBOLS = ("file", "expression")
ERROR = "ERROR"
END = "$END"
FORMAT_VERSION = 2


class Rule(NamedTuple):
    """One alternative of a rule."""

    origin: str
    size: int
    """How many symbols it takes."""
    inline: bool
    """Whether its children become its parent's: rules whose names start with `_`."""


class Rows(dict[int, dict[str, int]]):
    """What to do in a state, by symbol: n >= 0 shifts and goes to state n, n < 0 reduces by rule -n - 1."""

    def __init__(self, lines: Sequence[str], symbols: Sequence[str]) -> None:
        super().__init__()
        self.lines = lines
        """For each state: the number of a symbol and what to do there, in turn."""
        self._symbols = symbols

    def __missing__(self, state: int) -> dict[str, int]:
        numbers = map(int, self.lines[state].split())
        row = self[state] = {self._symbols[symbol]: action for symbol, action in zip(numbers, numbers, strict=True)}
        return row


@dataclass(frozen=True, slots=True)
class Tables:
    """What the parser runs on. States are numbers."""

    rows: Rows
    rules: tuple[Rule, ...]
    starts: dict[str, int]
    ends: dict[str, int]
    words: dict[str, str]
    """Keyword to terminal."""
    signs: dict[str, str]
    """Punctuation to terminal."""
    patterns: dict[str, str]
    """Terminal to regular expression, for all that are neither."""

    @property
    def spelling(self) -> dict[str, str]:
        """Terminal to the keyword or the sign that it stands for."""
        return {"SEMI": ";"} | {kind: text for table in (self.words, self.signs) for text, kind in table.items()}


@cache
def load_tables() -> Tables:
    """The tables of the grammar that lies in the package."""
    grammar = _resource(GRAMMAR_FILE)
    if grammar is None:
        raise FileNotFoundError(f"sipflow.grammar lacks {GRAMMAR_FILE}: the installation is incomplete")
    data = _stored(grammar)
    return _from_json(build(grammar) if data is None else data)


def _resource(name: str) -> str | None:
    """A text that lies in the package. importlib.resources would load half of what a check takes time for."""
    loader: Any = package.__loader__
    try:
        data: bytes = loader.get_data(os.path.join(package.__path__[0], name))  # noqa: PTH118 - also within an archive
    except FileNotFoundError:
        return None
    return data.decode("utf-8")


def _stored(grammar: str) -> dict[str, Any] | None:
    """The stored tables, if they are of this grammar and this form."""
    text = _resource(TABLES_FILE)
    if text is None:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    fits = isinstance(data, dict) and data.get("version") == FORMAT_VERSION and data.get("grammar") == grammar
    return data if fits else None


def _from_json(data: dict[str, Any]) -> Tables:
    rows = Rows(data["rows"], data["symbols"])
    rules = tuple(Rule(origin, int(size), origin.startswith("_")) for origin, size in map(str.split, data["rules"]))
    return Tables(rows, rules, data["starts"], data["ends"], data["words"], data["signs"], data["patterns"])


def build(grammar: str) -> dict[str, Any]:
    """Tables of a grammar text in their stored form; the same text gives the same tables."""
    from lark import Lark

    lark = Lark(grammar, parser="lalr", lexer="contextual", start=list(START_SYMBOLS))
    table = lark.parser.parser._parse_table
    symbols = sorted({symbol for row in table.states.values() for symbol in row})
    rules = sorted(lark.rules, key=str)
    words, signs, patterns = _terminals(list(lark.terminals))
    state_number = _number_states(table)
    rule_number = {rule: index for index, rule in enumerate(rules)}
    return {
        "version": FORMAT_VERSION,
        "grammar": grammar,
        "starts": {symbol: state_number[state] for symbol, state in sorted(table.start_states.items())},
        "ends": {symbol: state_number[state] for symbol, state in sorted(table.end_states.items())},
        "words": words,
        "signs": signs,
        "patterns": patterns,
        "rules": [f"{rule.origin.name} {len(rule.expansion)}" for rule in rules],
        "symbols": symbols,
        "rows": [_row(table.states[state], symbols, state_number, rule_number) for state in state_number],
    }


def _number_states(table: Any) -> dict[int, int]:
    """Numbers in the order in which the states are reached: lark's own differ from run to run."""
    order = dict.fromkeys(table.start_states[symbol] for symbol in START_SYMBOLS)
    queue = list(order)
    for state in queue:
        for _symbol, (action, target) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if action.name == "Shift" and target not in order:
                order[target] = None
                queue.append(target)
    return {state: index for index, state in enumerate(order)}


def _row(actions: Any, symbols: list[str], states: dict[int, int], rules: dict[Any, int]) -> str:
    row: list[int] = []
    for index, symbol in enumerate(symbols):
        if symbol in actions:
            action, argument = actions[symbol]
            row += [index, states[argument] if action.name == "Shift" else -rules[argument] - 1]
    return " ".join(map(str, row))


def _terminals(terminals: list[Any]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    words: dict[str, str] = {}
    signs: dict[str, str] = {}
    patterns: dict[str, str] = {}
    for terminal in sorted(terminals, key=lambda terminal: str(terminal.name)):
        text = terminal.pattern.value
        if terminal.pattern.type == "re":
            patterns[terminal.name] = text
        else:
            (words if re.fullmatch(r"\w+", text) else signs)[text] = terminal.name
    return words, signs, patterns


def main() -> None:
    """Write the tables beside the grammar of this checkout."""
    grammar = _resource(GRAMMAR_FILE)
    assert grammar is not None, "the grammar is part of the package"
    from importlib.resources import files

    path = files("sipflow.grammar").joinpath(TABLES_FILE)
    path.write_text(json.dumps(build(grammar), indent=0) + "\n", encoding="utf-8")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
