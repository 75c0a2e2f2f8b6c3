"""Writes the pages of docs/ that are drawn from tables of the code: `make docs`.

`tests/test_docs.py` fails when a page is not what its table says.
"""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path

from sipflow.cli.explain import rendered_example
from sipflow.lang.codes import CODES, FAMILIES, OF_LOADS, OF_RUNS, Code
from sipflow.sip.transaction_tables import TABLES

ROOT = Path(__file__).parents[1]
WRITTEN_BY = "<!-- Written by `make docs` out of {}. Change it there. -->\n"
LINE_LENGTH = 120


def diagnostics_page() -> str:
    """Every diagnostic code: what it means, why it matters, an example with what is said about it, what is right."""
    parts = [
        WRITTEN_BY.format("`sipflow/lang/codes/`"),
        "# Diagnostics\n",
        wrapped(
            "What `sipflow check` and `sipflow run` find wrong with a file before a packet is sent; the exit code is 2 "
            "then, unless there are only warnings. `sipflow explain CODE` says in a terminal what this page says. "
            "Codes from SF501 on tell what went otherwise than expected in a run: [running](running.md)."
        ),
    ]
    for family, codes in itertools.groupby(CODES.values(), key=lambda code: code.code[:3]):
        parts.append(f"## {FAMILIES[family]}\n")
        parts += [section(code) for code in codes]
    return "\n".join(parts)


def section(code: Code) -> str:
    """One code."""
    parts = [f"### {code.code}: {code.title}\n", wrapped(code.explanation), wrapped(code.why)]
    if code.example:
        said = _says(code)
        parts += [fenced(code.example), f"{said}\n", fenced(rendered_example(code))]
    if code.instead:
        parts += ["Instead:\n", fenced(code.instead)]
    return "\n".join(parts)


def _says(code: Code) -> str:
    if code.code in OF_LOADS:
        return "`sipflow load` may say, on a machine that lacks it:"
    return "The run says:" if code.code in OF_RUNS else "`sipflow check` says:"


def fenced(text: str) -> str:
    """A block of code; bytes that are no text are shown as what they are not."""
    return f"```text\n{text.encode('utf-8', 'replace').decode().rstrip()}\n```\n"


def wrapped(text: str) -> str:
    """A paragraph in lines."""
    return textwrap.fill(text, LINE_LENGTH, break_long_words=False, break_on_hyphens=False) + "\n"


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
