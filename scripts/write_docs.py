"""Writes the pages of docs/ that are drawn from tables of the code: `make docs`.

`tests/test_docs.py` fails when a page is not what its table says.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from pathlib import Path

from sipflow.lang.codes import CODES, Code
from sipflow.sip.transaction_tables import TABLES

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "tests" / "lang" / "golden"
WRITTEN_BY = "<!-- Written by `make docs` out of {}. Change it there. -->\n"
FAMILIES = {
    "SF1": "Syntax",
    "SF2": "Names, kinds and units",
    "SF3": "Order of the call flow",
    "SF4": "Media and files",
    "SF5": "Run time",
    "SF6": "Load",
}
LINE_LENGTH = 120


def diagnostics_page() -> str:
    """Every diagnostic code with its meaning and, where one is short enough to be read, an example."""
    parts = [
        WRITTEN_BY.format("`sipflow/lang/codes.py`"),
        "# Diagnostics\n",
        wrapped(
            "What `sipflow check` and `sipflow run` find wrong with a file before a packet is sent; the exit code is 2 "
            "then. Codes from SF501 on tell what went otherwise than expected in a run: [running](running.md)."
        ),
    ]
    for family, codes in itertools.groupby(CODES.values(), key=lambda code: code.code[:3]):
        parts.append(f"## {FAMILIES[family]}\n")
        parts += [section(code) for code in codes]
    return "\n".join(parts)


def section(code: Code) -> str:
    """One code."""
    example = example_of(code.code)
    shown = f"\n```text\n{example}\n```\n" if example else ""
    return f"### {code.code}: {code.title}\n\n{wrapped(code.explanation)}{shown}"


def wrapped(text: str) -> str:
    """A paragraph in lines."""
    return textwrap.fill(text, LINE_LENGTH, break_long_words=False, break_on_hyphens=False) + "\n"


def example_of(code: str) -> str:
    """The first diagnostic with this code in its golden file, empty when there is none that reads well."""
    path = EXAMPLES / f"{code}.txt"
    if not path.is_file():
        return ""
    shown = re.search(rf"^(?:error|warning)\[{code}\].*?(?=\n\n|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
    text = shown[0].rstrip() if shown else ""
    readable = all(len(line) <= LINE_LENGTH and line.isprintable() for line in text.splitlines())
    return text if readable else ""


def sip_page() -> str:
    """The transaction machines as diagrams."""
    parts = [
        WRITTEN_BY.format("`sipflow/sip/transaction_tables.py`"),
        "# SIP transactions\n",
        wrapped(
            "The four state machines that sipflow runs, as it runs them: RFC 3261 section 17 with the corrections of "
            "RFC 6026. An arrow says what happened, then what is done about it. What has no arrow in a state changes "
            "nothing."
        ),
    ]
    parts += [f"## {table.title}\n\n```mermaid\n{table.mermaid()}\n```\n" for table in TABLES]
    return "\n".join(parts)


PAGES = {"docs/diagnostics.md": diagnostics_page, "docs/sip.md": sip_page}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
