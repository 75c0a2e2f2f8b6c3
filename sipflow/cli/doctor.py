"""`sipflow doctor`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.text import Text

from sipflow.doctor import Finding, Mark, examine

_SIGNS = {Mark.OK: ("ok  ", "green"), Mark.WARN: ("warn", "yellow"), Mark.FAIL: ("FAIL", "bold red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for programs.")
def doctor(as_json: bool) -> None:
    """Tell what this machine grants, and what to change.

    The native module, priority, file descriptors, UDP buffers, processor and timers: each with what it means for
    calls and, where there is one, the command that changes it.

    \b
    Exit codes:
      0  scenarios can run here; some things may be warned of
      3  they cannot

    \b
    Examples:
      sipflow doctor
      sipflow doctor --json
    """
    findings = _printed_as_json() if as_json else _printed()
    raise click.exceptions.Exit(3 if any(finding.mark is Mark.FAIL for finding in findings) else 0)


def _printed_as_json() -> Sequence[Finding]:
    findings = list(examine())
    click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2, ensure_ascii=False))
    return findings


def _printed() -> Sequence[Finding]:
    console, findings = Console(highlight=False), []
    for finding in examine():
        console.print(_line(finding), soft_wrap=True)
        findings.append(finding)
    console.print(f"\n{_summary(findings)}", soft_wrap=True)
    return findings


def _line(finding: Finding) -> Text:
    sign, style = _SIGNS[finding.mark]
    text = Text.assemble((sign, style), f"  {finding.topic:12}  {finding.fact}")
    if finding.fix:
        text.append(f"\n      {'':12}  {finding.fix}", "bold")
    return text


def _summary(findings: Sequence[Finding]) -> str:
    failed, warned = (sum(finding.mark is mark for finding in findings) for mark in (Mark.FAIL, Mark.WARN))
    if failed:
        return "Scenarios cannot run here until what failed is changed."
    if warned:
        return "Scenarios run here; what is warned of matters for many calls at once and for exact timing."
    return "This machine grants everything."
