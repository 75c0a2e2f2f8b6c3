"""What `sflow-mode` of Emacs shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from editors.generator.words import Words
from sipflow.lang.literals import UNITS
from sipflow.lang.scanner import REGEX_FOLLOWS

HEAD = r"\(?:^\|[;{:]\|=>\|\_<else\_>\)[[:blank:]]*"
"""Behind this a statement, a setting or a part of the file begins."""
PLACES = {
    "declaration": r"^[[:blank:]]*",
    "event": r"\_<expect[[:blank:]]+",
    "statement": HEAD,
    "setting": HEAD,
    "expression": "",
    "option": "",
}
"""Place to what stands before its words. Emacs keeps the face that was given first."""
ARM = r"\(?:^\|[;{]\)[[:blank:]]*"
BEFORE_ARROW = r'\(?:[^;{}"' + "\n" + r']\|"[^"' + "\n" + r']*"\)*=>'
NUMBER = r"\_<[0-9]+\(?:\.[0-9]+\)?\(?:\(?:%s\)\_>\|%%\|/[smh]\_>\)?"
NAME = r"^[[:blank:]]*\(?:agent\|on\|define\)[[:blank:]]+\([A-Za-z_][A-Za-z0-9_]*\)"


def emacs_words(words: Words) -> str:
    """The text of `sflow-words.el`."""
    return "\n".join(_lines(words)) + "\n"


def _lines(words: Words) -> Iterator[str]:
    yield ";;; sflow-words.el --- What sflow-mode shows  -*- lexical-binding: t; -*-\n"
    yield ";; SPDX-License-Identifier: MIT\n"
    yield ";;; Commentary:\n"
    yield ";; Written by `make editors' out of grammar/sflow.lark and editors/words.toml.  Change it there.\n"
    yield ";;; Code:\n"
    yield "(defconst sflow-words-font-lock"
    yield "  '(" + "\n    ".join(_keywords(words)) + ")"
    yield '  "Rules of font lock: a pattern, its group, and the face.")\n'
    yield "(defconst sflow-words-before-regex"
    yield f"  {_string(_any(REGEX_FOLLOWS))}"
    yield '  "Words behind which a slash begins a regular expression.")\n'
    yield "(provide 'sflow-words)"
    yield ";;; sflow-words.el ends here"


def _keywords(words: Words) -> Iterator[str]:
    event = words.families["event"].emacs
    yield _rule(rf"{ARM}\(\_<\(?:{_any(words.places['event'])}\)\_>\){BEFORE_ARROW}", event)
    for place, before in PLACES.items():
        of_place = words.places[place]
        for family in dict.fromkeys(of_place.values()):
            some = _any(word for word in of_place if of_place[word] == family)
            yield _rule(rf"{before}\(\_<\(?:{some}\)\_>\)", words.families[family].emacs)
    yield _rule(NAME, "font-lock-function-name-face")
    yield _rule(rf"\({NUMBER % _any(unit for unit in UNITS if unit.isalpha())}\)", "font-lock-constant-face")


def _rule(pattern: str, face: str) -> str:
    return f"({_string(pattern)} 1 {face})"


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _any(words: Iterable[str]) -> str:
    return r"\|".join(sorted(words, key=lambda word: (-len(word), word)))
