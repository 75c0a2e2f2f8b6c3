"""The TextMate grammar: what VS Code, and all that read its grammars, show without a language server.

Words of the language are keywords only where the grammar has them, so this grammar follows places: a file, an agent, a
block of statements, and within each the phrases that their first words begin. A phrase ends before `;` or `}`, or at
the start of a line that does not go on with it. Patterns keep to what Oniguruma and Python's `re` have in common, so
that tests need no editor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from editors.generator.grammar import PLACES, Grammar, Phrase
from editors.generator.words import Words
from sipflow.lang.literals import UNITS
from sipflow.lang.scanner import REGEX_FOLLOWS

Rule = dict[str, Any]

BODIES = {
    "_agent_item": "agent",
    "_tls_item": "tls",
    "_registrar_item": "registrar",
    "_media_item": "media",
    "_load_item": "load",
    "_arm": "arms",
    "block": "block",
    "_with_body": "with",
}
"""Part of a phrase to the rule for its braces."""
PARAMETER = "variable.parameter"
HEADER = "entity.other.attribute-name.header"
LISTS = {"codecs": "", "srtp": "", "scenario": "", "define": PARAMETER}
"""Rules that take names with commas between them to the scope of these, where it is not that of the first."""
ESCAPES = r'\\(?:[ntr"\\$]|u\{[0-9a-fA-F]{1,6}\})'
UNCLOSED = r'"(?:[^"\\\n]|\\[^\n])*+\\?'
PHRASE_END = r"(?=[;}])|^(?!\s*(?:\{|else\b|#|$))"
"""A newline ends nothing before `{` and `else`."""
LINE_END = PHRASE_END.partition("|")[2]
CONTINUING = (", = == != <= >= + *", "and or not")
"""Signs and words behind which a newline ends nothing."""
REGEX_PARTS = (
    (r"\\.", "constant.character.escape.regexp"),
    (r"\[\^?\]?(?:[^\]\\]|\\.)*\]", "constant.other.character-class.set.regexp"),
    (r"[()]", "punctuation.definition.group.regexp"),
    (r"\{\d*,?\d*\}|[*+?]", "keyword.operator.quantifier.regexp"),
    (r"[\^$]", "keyword.control.anchor.regexp"),
    (r"\|", "keyword.operator.or.regexp"),
)


def textmate_grammar(grammar: Grammar, words: Words) -> Rule:
    """The grammar as the value of its JSON file."""
    return _Writer(grammar, words).grammar_file()


def scoped(scope: str) -> str:
    """A scope of this language."""
    return f"{scope}.sflow"


def word_pattern(words: Iterable[str]) -> str:
    """Any of these words, as a group."""
    return rf"\b({'|'.join(sorted(words, key=lambda word: (-len(word), word)))})\b"


def include(*names: str) -> list[Rule]:
    """Rules of the repository."""
    return [{"include": f"#{name}"} for name in names]


class _Writer:
    def __init__(self, grammar: Grammar, words: Words) -> None:
        self.grammar = grammar
        self.words = words
        self.terminals = grammar.tables.patterns
        self.name = self.terminals["NAME"]
        self.string = self.terminals["STRING"]

    def grammar_file(self) -> Rule:
        return {
            "comment": "Written by `make editors` out of grammar/sflow.lark and editors/words.toml. Change it there.",
            "name": "sflow",
            "scopeName": "source.sflow",
            "fileTypes": ["sflow"],
            "patterns": include("declarations"),
            "repository": dict(sorted((self.places() | self.expressions() | self.literals()).items())),
        }

    # --- places ------------------------------------------------------------------------------------------------------

    def places(self) -> dict[str, Rule]:
        statements = include("otherwise", "statement", "block")
        phrases = [*self.phrases("statement", "_statement"), self.invocation(), self.stray()]
        return {
            "declarations": {"patterns": [*include("layout"), *self.phrases("declaration", "_item"), self.stray()]},
            "agent": self.braces(self.phrases("setting", "_agent_item")),
            "tls": self.braces(self.phrases("setting", "_tls_item")),
            "registrar": self.braces(self.phrases("setting", "_registrar_item")),
            "media": self.braces(self.phrases("setting", "_media_item")),
            "load": self.braces(self.phrases("setting", "_load_item")),
            "with": self.braces(self.phrases("setting", "_with_item")),
            "arms": self.braces([*self.phrases("event", "_event"), *self.phrases("event", "timeout_arm")]),
            "block": self.braces(statements),
            "statement": {"patterns": phrases},
            "clauses": {"patterns": self.clauses()},
            "events": {"patterns": self.events()},
            "otherwise": self.opened(
                self.word_rule(["else"], self.words.scope("option", "else")), [*include("layout"), *statements]
            ),
            "lane": {**self.opened(self.sign_rule(":"), [*include("layout"), *statements]), "end": LINE_END},
            "arrow": self.opened(self.sign_rule("=>"), [self.blank_arrow(), *include("layout"), *statements]),
        }

    def blank_arrow(self) -> Rule:
        """An arrow at the end of its line."""
        return {"begin": r"(?<==>)(?=\s*(?:#|$))", "end": r"(?=[^\s#])", "patterns": include("layout")}

    @property
    def part_begins(self) -> str:
        """The start of a line with a word that begins a part of the file and nothing else."""
        elsewhere = frozenset().union(*(self.grammar.places[place] for place in PLACES if place != "declaration"))
        return rf"^(?={word_pattern(self.grammar.places['declaration'] - elsewhere)})"

    def braces(self, patterns: list[Rule]) -> Rule:
        """A block: to its brace, or to the start of a line where a new part of the file begins."""
        brace = {"0": {"name": scoped(self.words.signs["{"])}}
        return {
            "begin": r"\{",
            "beginCaptures": brace,
            "end": rf"\}}|{self.part_begins}",
            "endCaptures": brace,
            "patterns": [*include("layout"), *patterns],
        }

    def opened(self, opening: Rule, patterns: list[Rule]) -> Rule:
        """What begins like this and goes on to the end of its phrase."""
        captures = opening.get("captures") or {"0": {"name": opening["name"]}}
        return {"begin": opening["match"], "beginCaptures": captures, "end": PHRASE_END, "patterns": patterns}

    def phrases(self, place: str, rule: str) -> list[Rule]:
        """Those that a rule of the grammar has at a place; one for all that differ in their head only."""
        groups: dict[str, tuple[list[str], Phrase]] = {}
        for phrase in self.grammar.phrases(rule):
            shape = json.dumps([self.opening(place, [], phrase), self.inside(place, phrase)])
            groups.setdefault(shape, ([], phrase))[0].append(phrase.head)
        return [self.opened(self.opening(place, heads, one), self.inside(place, one)) for heads, one in groups.values()]

    def opening(self, place: str, heads: list[str], phrase: Phrase) -> Rule:
        """The head, and what may stand behind it at once: a second word, a name, the name of a header."""
        names = self.names_of(phrase)
        tail = [(word_pattern(words), scope) for words, scope in self.seconds(phrase)]
        # `resume c1`, but `resume record`: a second word is no name.
        seconds = "|".join(sorted(phrase.seconds & names.keys()))
        not_second = rf"(?!(?:{seconds})\b)" if seconds else ""
        tail += [(f"({not_second}{self.name})", names[phrase.head])] if phrase.head in names else []
        behind = "|".join(text for text, _ in tail)
        pattern = word_pattern(heads) + (rf"(?:\s+(?:{behind}))?" if tail else "")
        scopes = [self.words.scope(place, phrase.head), *(scope for _, scope in tail)]
        captures: Rule = {str(number): {"name": scoped(scope)} for number, scope in enumerate(scopes, 1)}
        if phrase.parts >= {"_string", "_expr"} or "header" in phrase.seconds:
            pattern += rf"(?:\s*({self.string}))?"
            captures[str(len(scopes) + 1)] = {
                "name": f"{scoped(HEADER)} {self.scope_of('STRING')}",
                "patterns": include("in-string"),
            }
        return {"match": pattern, "captures": captures}

    def seconds(self, phrase: Phrase) -> list[tuple[list[str], str]]:
        """Words that may follow the head at once, with their scope; those before names have a rule of their own."""
        if "_event" in phrase.parts:
            events = {event.head for event in self.grammar.phrases("_event")}
            words = events - self.words_before_names("_event").keys()
            return [(sorted(words), self.words.scope("event", min(words)))]
        words = set(phrase.seconds) - {word for word, _ in phrase.names}
        return [(sorted(words), self.words.scope("option", min(words)))] if words else []

    def inside(self, place: str, phrase: Phrase) -> list[Rule]:
        """What may stand in a phrase, the more particular first."""
        patterns = include("layout", "continued")
        patterns += include("otherwise", "clauses") if place == "statement" else []
        patterns += include("clauses", "arrow") if place == "event" else []
        patterns += include("lane") if "_statement" in phrase.parts else []
        patterns += include(*([body for part, body in BODIES.items() if part in phrase.parts] or ["with"]))
        patterns += include("events") if "_event" in phrase.parts else []
        patterns += self.word_rules("option", self.options(phrase))
        listed = {LISTS[rule] or self.words.names[rule] for _, rule in phrase.names if rule in LISTS}
        return [*patterns, *(self.name_list(scope) for scope in listed), *include("expression")]

    def name_list(self, scope: str) -> Rule:
        parens = [self.sign_rule("("), self.sign_rule(")")]
        return {"patterns": [{"match": self.name, "name": scoped(scope)}, *parens]}

    def options(self, phrase: Phrase) -> dict[str, str]:
        """Words inside of a phrase save those that the rule for its head takes; each with the scope of its name."""
        names = self.names_of(phrase)
        elsewhere = {clause.head for clause in self.grammar.phrases("_clause")} | {"else", "if"}
        words = (phrase.laters | phrase.seconds & names.keys()) - elsewhere
        return {word: names.get(word, "") for word in words}

    def word_rules(self, place: str, words: dict[str, str]) -> list[Rule]:
        """Rules for words of a place, given the scopes of the names behind them (empty: no name)."""
        groups: dict[tuple[str, str], list[str]] = {}
        for word, name in sorted(words.items()):
            groups.setdefault((name, self.words.scope(place, word)), []).append(word)
        rules = [self.word_rule(group, scope, name) for (name, scope), group in sorted(groups.items(), reverse=True)]
        if place != "option":
            return rules
        return [rule if "2" in rule["captures"] else self.with_namesake(rule) for rule in rules]

    def with_namesake(self, rule: Rule) -> Rule:
        """`password password`: behind the word a variable of the same name."""
        captures = {**rule["captures"], "2": {"name": scoped(self.words.names["name"])}}
        return {"match": rule["match"] + r"(?:\s+(\1)\b)?", "captures": captures}

    def word_rule(self, words: Iterable[str], scope: str, name: str = "") -> Rule:
        captures = {"1": {"name": scoped(scope)}} | ({"2": {"name": scoped(name)}} if name else {})
        return {"match": word_pattern(words) + (rf"(?:\s+({self.name}))?" if name else ""), "captures": captures}

    def names_of(self, phrase: Phrase) -> dict[str, str]:
        """Word of a phrase to the scope of the name behind it."""
        return {word: self.words.names[rule] for word, rule in phrase.names}

    def clauses(self) -> list[Rule]:
        """What may stand behind any action: `on c1`, `within 5s`."""
        names = self.words_before_names("_clause")
        heads = (phrase.head for phrase in self.grammar.phrases("_clause"))
        return self.word_rules("option", {head: names.get(head, "") for head in heads})

    def events(self) -> list[Rule]:
        """What may stand behind `expect` save the events that are words alone: those stand with it."""
        names = self.words_before_names("_event")
        words = {word for event in self.grammar.phrases("_event") for word in event.seconds | event.laters}
        return [*self.word_rules("event", names), *self.word_rules("option", dict.fromkeys(words, ""))]

    def words_before_names(self, rule: str) -> dict[str, str]:
        """Words behind which a name stands, in any phrase of a rule, to the scope of the name."""
        return {word: name for phrase in self.grammar.phrases(rule) for word, name in self.names_of(phrase).items()}

    def invocation(self) -> Rule:
        """`menu("a.wav", "1")` as a statement."""
        return self.opened(self.called("invoke"), include("layout", "continued", "expression"))

    def called(self, rule: str) -> Rule:
        return {"match": rf"{self.name}(?=\s*\()", "name": scoped(self.words.names[rule])}

    def stray(self) -> Rule:
        """A word that means nothing where it stands: what follows it is no statement."""
        inner = include("layout", "continued", "otherwise", "clauses", "block", "expression")
        return {"begin": r"[^\W\d]\w*", "end": PHRASE_END, "patterns": inner}

    # --- expressions -------------------------------------------------------------------------------------------------

    def expressions(self) -> dict[str, Rule]:
        operands = include("raw", "string", "quantity", "number", "division", "regex", "environment")
        rest = include("operators", "apply", "name", "parens", "sign")
        return {
            "expression": {"patterns": [*operands, *rest]},
            "environment": self.environment(),
            "operators": {
                "patterns": self.word_rules("expression", dict.fromkeys(self.words.places["expression"], ""))
            },
            "apply": {
                "match": rf"(?:{self.name}\s*\.\s*)*{self.name}(?=\s*\()",
                "name": scoped(self.words.names["invoke"]),
            },
            "name": {"match": rf"{self.name}(?:\s*\.\s*\w+)*", "name": scoped(self.words.names["name"])},
            "parens": self.parens(),
            "division": self.division(),
            "sign": {"patterns": self.signs()},
        }

    def environment(self) -> Rule:
        """`env.NAME`."""
        scopes = (self.words.scope("expression", "env"), self.words.signs["."], self.words.names["env"])
        captures = {str(number): {"name": scoped(scope)} for number, scope in enumerate(scopes, 1)}
        return {"match": rf"\b(env)\b(?:\s*(\.)\s*({self.name}))?", "captures": captures}

    def parens(self) -> Rule:
        """In parentheses lines do not end a statement."""
        sign = {"0": {"name": scoped(self.words.signs["("])}}
        patterns = include("layout", "expression")
        return {
            "begin": r"\(",
            "beginCaptures": sign,
            "end": rf"\)|(?=[{{}};])|{self.part_begins}",
            "endCaptures": sign,
            "patterns": patterns,
        }

    def division(self) -> Rule:
        """`/` behind an operand; otherwise it begins a regular expression."""
        not_behind = "".join(rf"(?<!\b{word})" for word in sorted(REGEX_FOLLOWS))
        return {"match": rf'(?<=[\w%")]){not_behind}\s*(/)', "captures": {"1": self.scope_of_sign("/")}}

    def signs(self) -> list[Rule]:
        of_expressions = [sign for sign in self.words.signs if sign not in ("{", "}", "(", ")", "/", "=>")]
        return [self.sign_rule(sign) for sign in sorted(of_expressions, key=len, reverse=True)]

    def sign_rule(self, sign: str) -> Rule:
        return {"match": re.escape(sign), **self.scope_of_sign(sign)}

    def scope_of_sign(self, sign: str) -> Rule:
        return {"name": scoped(self.words.signs[sign])}

    # --- literals and layout -----------------------------------------------------------------------------------------

    def literals(self) -> dict[str, Rule]:
        raw_begin, raw_end = self.terminals["RAW"].split(r"[\s\S]*?")
        return {
            "layout": {"patterns": [self.literal("COMMENT"), self.literal("SEMI")]},
            "continued": {"patterns": self.continued()},
            "raw": {"begin": raw_begin, "end": raw_end, "name": self.scope_of("RAW")},
            "string": {
                "patterns": [self.literal("STRING", "in-string"), {**self.literal("STRING"), "match": UNCLOSED}]
            },
            "in-string": {"patterns": self.in_string()},
            "number": self.literal("NUMBER"),
            "quantity": {"match": self.terminals["QUANTITY"], "captures": {"0": {"patterns": self.in_quantity()}}},
            "regex": self.literal("REGEX", "in-regex"),
            "in-regex": {"patterns": [{"match": part, "name": scoped(scope)} for part, scope in REGEX_PARTS]},
        }

    def continued(self) -> list[Rule]:
        """What makes a phrase go on in the next line, at the end of one."""
        signs, words = CONTINUING
        rules = [self.sign_rule(sign) for sign in sorted(signs.split(), key=len, reverse=True)]
        rules.append(self.word_rule(words.split(), self.words.scope("expression", "and")))
        return [self.to_next_line(rule) for rule in rules]

    def to_next_line(self, rule: Rule) -> Rule:
        opened = self.opened({**rule, "match": rf"{rule['match']}(?=\s*(?:#|$))"}, include("layout"))
        return {**opened, "end": r"(?=[^\s#])"}

    def literal(self, terminal: str, inside: str = "") -> Rule:
        """The pattern of a terminal as it stands in the grammar; `inside`: the rule for its parts."""
        rule: Rule = {"match": self.terminals[terminal], "name": self.scope_of(terminal)}
        return rule | ({"captures": {"0": {"patterns": include(inside)}}} if inside else {})

    def scope_of(self, terminal: str) -> str:
        return scoped(self.words.literals[terminal])

    def in_string(self) -> list[Rule]:
        embedded = {"0": {"name": scoped("punctuation.section.embedded")}}
        return [
            {"match": ESCAPES, "name": scoped("constant.character.escape")},
            {"match": r"\\.", "name": scoped("invalid.illegal.escape")},
            {
                "begin": r"\$\{",
                "beginCaptures": embedded,
                "end": r"\}",
                "endCaptures": embedded,
                "name": scoped("meta.embedded.expression"),
                "patterns": include("expression"),
            },
        ]

    def in_quantity(self) -> list[Rule]:
        units = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
        return [
            {"match": r"[0-9]+(?:\.[0-9]+)?", "name": self.scope_of("QUANTITY")},
            {"match": rf"(?:{units})(?!\w)", "name": scoped("keyword.other.unit")},
            {"match": r"\S+", "name": scoped("invalid.illegal.unit")},
        ]
