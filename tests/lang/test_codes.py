"""What is said about every code: each has an example that shows it, and a program that does it right."""

from __future__ import annotations

import itertools
import re

import pytest

from sipflow.lang import compile_text
from sipflow.lang.codes import CODES, FAMILIES, OF_LOADS, OF_RUNS, Code
from sipflow.lang.codes.example_files import ExampleFiles
from sipflow.lang.source import MAX_SOURCE_CHARACTERS
from tests.lang.samples import ROOT

OF_CHECKS = [code for code in CODES.values() if code.code not in OF_RUNS | OF_LOADS]
WITH_EXAMPLE = [code for code in OF_CHECKS if code.code != "SF101"]
"""A million characters are no example that anybody reads."""


def codes_in(text: str) -> set[str]:
    return {found.code for found in compile_text(text, "example.sflow", files=ExampleFiles()).diagnostics}


def name(code: Code) -> str:
    return code.code


def test_codes_stand_in_the_order_of_their_numbers() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(code == row.code and code[:3] in FAMILIES for code, row in CODES.items())


def test_the_page_about_diagnostics_has_every_code_once() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (SF\d+): (.*)$", page, re.MULTILINE) == [(row.code, row.title) for row in CODES.values()]


@pytest.mark.parametrize("code", CODES.values(), ids=name)
def test_a_code_says_what_it_means_and_why_it_matters(code: Code) -> None:
    assert code.title and not code.title.endswith(".")
    for text in (code.explanation, code.why):
        assert text.endswith((".", "`.", "?")) and "\n" not in text and "  " not in text


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=name)
def test_the_example_has_exactly_this_diagnostic(code: Code) -> None:
    assert codes_in(code.example) == {code.code}


@pytest.mark.parametrize("code", [*WITH_EXAMPLE, *(CODES[code] for code in sorted(OF_RUNS | OF_LOADS))], ids=name)
def test_what_to_write_instead_checks_clean(code: Code) -> None:
    assert code.instead and codes_in(code.instead) == set()


@pytest.mark.parametrize("code", sorted(OF_RUNS | OF_LOADS))
def test_a_run_finds_what_a_check_cannot(code: str) -> None:
    assert CODES[code].example and codes_in(CODES[code].example) == set()


def test_a_text_that_is_too_long_is_the_example_of_sf101() -> None:
    comment = f"# {'x' * (MAX_SOURCE_CHARACTERS + 1)}\n"
    assert codes_in(comment) == {"SF101"}
    words = "".join(f"log {number}; " for number in itertools.islice(itertools.count(), 30_000))
    assert codes_in(f"on alice: {words}") == {"SF101"}
