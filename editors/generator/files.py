"""Which files are made, and what stands in them."""

from __future__ import annotations

import json
from pathlib import Path

from editors.generator.emacs import emacs_words
from editors.generator.grammar import load_grammar
from editors.generator.textmate import textmate_grammar
from editors.generator.vim import vim_syntax
from editors.generator.words import load_words

ROOT = Path(__file__).parents[2]
TEXTMATE_FILE = ROOT / "grammar" / "sflow.tmLanguage.json"
VIM_FILE = ROOT / "editors" / "neovim" / "syntax" / "sflow.vim"
EMACS_FILE = ROOT / "editors" / "emacs" / "sflow-words.el"


def generated_files() -> dict[Path, str]:
    """Path to text of every file that `make editors` writes."""
    grammar = load_grammar()
    words = load_words(grammar)
    return {
        TEXTMATE_FILE: json.dumps(textmate_grammar(grammar, words), indent=2, ensure_ascii=False) + "\n",
        VIM_FILE: vim_syntax(words),
        EMACS_FILE: emacs_words(words),
    }
