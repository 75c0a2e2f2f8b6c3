"""JUnit XML: a test case for each file, failed when it has an error. Warnings are output of a case that passes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from sipflow.cli.checking import CheckedFile, Finding
from sipflow.cli.formats.plain import printable
from sipflow.lang.diagnostics import Severity


def formatted(files: Sequence[CheckedFile]) -> str:
    """The document, with a line end."""
    suite = TestSuite("sipflow check")
    for file in files:
        suite.add_testcase(_case(file))
    document = JUnitXml("sipflow check")
    document.add_testsuite(suite)
    written = io.BytesIO()
    document.write(written, pretty=True)
    return written.getvalue().decode("utf-8").rstrip() + "\n"


def _case(file: CheckedFile) -> TestCase:
    case = TestCase(printable(file.name), classname="sipflow.check", time=0.0)
    case.result = _results(file)
    if warnings := file.of(Severity.WARNING):
        case.system_out = printable("\n".join(finding.rendered() for finding in warnings))
    return case


def _results(file: CheckedFile) -> list[FinalResult]:
    if file.problem:
        return [Error(printable(f"cannot read it: {file.problem}"), "unreadable")]
    failures: list[FinalResult] = [_failure(finding) for finding in file.of(Severity.ERROR)]
    if not failures and not file.sound:
        return [Failure("a file that it imports has an error", "import")]
    return failures


def _failure(finding: Finding) -> Failure:
    diagnostic = finding.diagnostic
    failure = Failure(printable(f"{diagnostic.code}: {diagnostic.message}"), diagnostic.code)
    failure.text = printable(finding.rendered())
    return failure
