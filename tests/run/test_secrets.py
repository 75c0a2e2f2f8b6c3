"""A secret is in no output of a run: not in the terminal, a report, a captured message or the name of a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import sipflow
from sipflow.report.serialise import record_to_json

pytestmark = pytest.mark.wire

WORD = 'Tr0ub4dor "&3" $ü'
PIN = "86421"
CELL = "cell-9f3-token"
LITERAL = "written-in-the-file"
SECRETS = (WORD, PIN, CELL, LITERAL)
TEXT = f"""scenario "Everything that could tell"
data users from "users.csv"
let word = secret env.SIPFLOW_TEST_WORD
let pin = secret env.SIPFLOW_TEST_PIN

agent alice {{ number pin; header "X-Agent" = word }}

on alice {{
  call bob with {{
    header "X-Token" = "Bearer ${{word}}"
    header "Authorization" = "Digest username=${{pin}}, response=${{word}}"
  }}
  record "${{pin}}/${{secret users.token}}.wav"
  let copy = "copy of ${{word}}"
  log copy
  log "in capitals ${{upper(word)}}, as a number ${{number(pin) + 0}}"
  expect dtmf "#"
  send dtmf pin
  send dtmf pin
  send message to bob {{ body "word ${{word}} cell ${{users.token}}" }}
  stop record
  check copy == "x" else {{ log "of course not"; recover }}
  fail "no ${{word}}, ${{pin}}, ${{users.token}}, ${{secret "{LITERAL}"}}"
}}
on bob {{
  answer
  send dtmf "#"
  repeat 5 times {{ expect dtmf }}
  expect dtmf matching /[0-9]{{5}}/ as typed
  log "typed ${{typed}}"
  expect message
  expect message where body == word within 200ms else recover
  expect hangup
}}
"""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIPFLOW_TEST_WORD", WORD)
    monkeypatch.setenv("SIPFLOW_TEST_PIN", PIN)
    (tmp_path / "users.csv").write_text(f"name,token\nAnn,{CELL}\n")
    path = tmp_path / "telling.sflow"
    path.write_text(TEXT)
    return path


def forms(secret: str) -> Iterator[str]:
    """How a secret may have been written on its way."""
    yield from (secret, secret.upper(), secret.lower(), quote(secret), quote(secret, safe=""), repr(secret)[1:-1])
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (secret.replace("&", "&amp;").replace('"', "&quot;"), secret.replace("&", "&amp;"))


def assert_silent(what: str, text: str) -> None:
    told = [form for secret in SECRETS for form in forms(secret) if form in text]
    assert told == [], f"{what} tells {told}"


def test_no_output_of_the_command_line_tells_a_secret(scenario: Path) -> None:
    folder = scenario.parent
    done = subprocess.run(
        [sys.executable, "-m", "sipflow", "run", "-v", "--json", "r.json", "--junit", "r.xml", "--events", "e.jsonl",
         "--out", "out", scenario.name],
        cwd=folder, env=os.environ | {"COLUMNS": "400"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "no ***, ***, ***, ***" in done.stdout
    assert_silent("the terminal", done.stdout + done.stderr)
    for name in ("r.json", "r.xml", "e.jsonl"):
        assert_silent(name, (folder / name).read_text())
    files = [path.relative_to(folder / "out") for path in (folder / "out").rglob("*")]
    assert [str(path) for path in files if path.suffix] == ["secret/secret.wav"]
    assert_silent("a name", " ".join(map(str, files)))


def test_the_columns_of_a_line_with_a_secret_stay(scenario: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sipflow", "run", "-q", "--out", "out", scenario.name],
        cwd=scenario.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if "fail " in line and " | " in line)
    assert f'secret "{"*" * len(LITERAL)}"' in line


def test_neither_the_report_nor_the_records_tell_a_secret(scenario: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    report = sipflow.run(
        scenario, out=tmp_path / "out", sinks=[lambda record: lines.append(repr(record) + str(record_to_json(record)))]
    )
    assert report.exit_code == 1 and "***" in report.failures[0].got
    assert_silent("the report", repr(report))
    for line in lines:
        assert_silent("a record", line)


def test_the_digits_of_a_secret_cannot_be_put_together(scenario: Path, tmp_path: Path) -> None:
    records: list[dict[str, object]] = []
    sipflow.run(scenario, out=tmp_path / "out", sinks=[lambda record: records.append(record_to_json(record))])
    digits = [record["digit"] for record in records if record["event"] == "DtmfReceived"]
    assert digits == ["*"] * 11
    assert {record["digits"] for record in records if record["event"] == "DtmfSent"} == {"*"}
    details = " ".join(str(record.get("detail", "")) for record in records)
    assert re.findall(r'dtmf "([^"]*)"', details) == ["*"] * 7


def test_a_message_from_which_something_was_taken_says_so(scenario: Path, tmp_path: Path) -> None:
    messages: list[dict[str, object]] = []
    sipflow.run(
        scenario, out=tmp_path / "out",
        sinks=[lambda record: messages.append(record_to_json(record)) if hasattr(record.event, "data") else None],
    )  # fmt: skip
    invite = next(message for message in messages if str(message["data"]).startswith("INVITE "))
    assert invite["redacted"] is True
    assert "X-Token: Bearer ***\r\n" in str(invite["data"])
    assert "response=***" in str(invite["data"])


def test_a_plan_that_fails_tells_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFLOW_TEST_WORD", WORD)
    text = "let word = secret env.SIPFLOW_TEST_WORD\nlet broken = number(word)\non alice: wait 1ms\n"
    lines: list[str] = []
    report = sipflow.run(text, out=tmp_path, sinks=[lambda record: lines.append(repr(record))])
    assert report.exit_code == 3
    assert "*** is not a number" in report.logs[0][3]
    assert_silent("the report", repr(report) + "".join(lines))
