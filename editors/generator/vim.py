"""The syntax file of Vim and Neovim.

Vim has no places like those of the TextMate grammar; what comes close: what begins a statement, what follows `expect`
or stands before `=>`, and the rest. In Neovim the server's semantic tokens settle what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from editors.generator.words import Words
from sipflow.lang.literals import UNITS

HEAD = r"\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<="
"""Behind this a statement, a setting or a part of the file begins."""
PLACES = {
    "option": "",
    "expression": "",
    "setting": HEAD,
    "statement": HEAD,
    "event": r"\%(\<expect\s\+\)\@<=",
    "declaration": r"^\s*\zs",
}
"""Place to what stands before its words. Of two matches Vim takes the one that was defined last."""
LITERALS = r'''
syntax match sflowNumber '\<\d\+\%(\.\d\+\)\=\%(\%({units}\)\>\|%\|/[smh]\>\)\='
syntax match sflowName '\%(^\s*\%(agent\|on\|define\)\s\+\)\@<=\h\w*'
syntax match sflowEscape '\\\%([ntr"\\$]\|u{{\x\{{1,6}}}}\)' contained
syntax region sflowEmbedded matchgroup=sflowEscape start='\${{' end='}}' contained oneline contains=sflowNumber
syntax region sflowString start='"' skip='\\.' end='"' oneline contains=sflowEscape,sflowEmbedded
syntax region sflowRaw start='"""' end='"""'
syntax match sflowRegex '\%(\<\%(matches\|matching\|contains\)\s*\)\@<=/\%([^/\\]\|\\.\)\+/'
syntax match sflowComment '#.*' contains=@Spell
'''
LINKS = {"Comment": "Comment", "String": "String", "Raw": "String", "Regex": "String", "Number": "Number"} | {
    "Escape": "SpecialChar", "Embedded": "NONE", "Name": "Title",
}  # fmt: skip


def vim_syntax(words: Words) -> str:
    """The text of `syntax/sflow.vim`."""
    return "\n".join(_lines(words)) + "\n"


def group(family: str) -> str:
    """The highlight group of a family."""
    return f"sflow{family.capitalize()}"


def _lines(words: Words) -> Iterator[str]:
    yield '" Written by `make editors` out of grammar/sflow.lark and editors/words.toml. Change it there.'
    yield 'if exists("b:current_syntax")\n  finish\nendif\n'
    yield "syntax case match"
    for place, before in PLACES.items():
        for family, some in _by_family(words.places[place]):
            yield rf"syntax match {group(family)} '{before}\<\%({_any(some)}\)\>'"
    yield from _arms(words)
    yield LITERALS.format(units=_any(unit for unit in UNITS if unit.isalpha())).strip("\n")
    yield ""
    for family, shown in words.families.items():
        yield f"highlight default link {group(family)} {shown.vim}"
    for name, shown_as in LINKS.items():
        yield f"highlight default link sflow{name} {shown_as}"
    yield '\nlet b:current_syntax = "sflow"'


def _arms(words: Words) -> Iterator[str]:
    """Events before `=>`."""
    events = _any(words.places["event"])
    arrow_ahead = r'\%([^;{}"]\|"[^"]*"\)*=>'
    yield rf"syntax match sflowEvent '\%(^\s*\|[;{{]\s*\)\@<=\<\%({events}\)\>\ze{arrow_ahead}'"


def _by_family(families: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    for family in dict.fromkeys(families.values()):
        yield family, [word for word in families if families[word] == family]


def _any(words: Iterable[str]) -> str:
    return r"\|".join(sorted(words, key=lambda word: (-len(word), word)))
