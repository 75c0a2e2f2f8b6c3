"""Does `sipflow load --find-max` find a limit that is known?

    python -m bench.find_max [--limits 12 60] [--seconds 10] [--tolerance 0.05] [--no-hogged]

Runs the command line, as anybody would, against the test peer of `bench/load_honesty.py` (a process of its own), which
takes so many calls a second and answers 503 to all others. The searches begin at a rate that has nothing to do with the
limit. Each has to

    * end with exit code 0 and an interval whose middle is within the tolerance of the limit,
    * have seen both of its ends as often as it promises, each time with the same outcome, and
    * say the interval in its last line.

Then the same with more CPU hogs than cores: there the generator is INVALID, and the search must refuse an answer with
exit code 4. Exit code of the bench: 0 when all of this is so, 1 else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._scratch import scratch
from bench.load_honesty import SCENARIO, hogs, peer
from sipflow.load.capacity import MOST_DOUBTFUL, MOST_INVALID, REPETITIONS

CONDITION = "calls.success >= 99.5%"
FIRST_RATE = 10.0
PATIENCE_S = 1200.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the command line said."""

    exit_code: int
    last_line: str
    answer: dict[str, Any]


def search(folder: Path, limit: float, seconds: float) -> Found:
    """One search; the trials go to standard error as they come."""
    with peer(capacity=limit) as port:
        scenario, answer = folder / "limit.sflow", folder / "answer.json"
        scenario.write_text(SCENARIO.format(port=port))
        answer.unlink(missing_ok=True)
        command = [sys.executable, "-m", "sipflow", "load", str(scenario), "--find-max", CONDITION]
        command += ["--rate", f"{FIRST_RATE}/s", "--duration", f"{seconds}s", "--json", str(answer)]
        command += ["--out", str(folder / "out")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        last = ""
        try:
            for line in process.stdout:
                print("   ", line.rstrip(), file=sys.stderr, flush=True)
                last = line.strip() or last
            process.wait(timeout=30)
        finally:
            process.kill()
        return Found(process.returncode, last, json.loads(answer.read_text()) if answer.exists() else {})


def mistakes_of(found: Found, limit: float, tolerance: float) -> list[str]:
    """What is wrong with the answer to a search of a known limit; empty when nothing is."""
    if found.exit_code != 0:
        return [f"exit code {found.exit_code}: {found.last_line}"]
    least, most = found.answer["least"], found.answer["most"]
    wrong = []
    if abs((least + most) / 2 - limit) > tolerance * limit:
        wrong.append(f"not within {tolerance:.0%}")
    if f"{least:.2f}/s to {most:.2f}/s" not in found.last_line:
        wrong.append("the interval is not in the last line")
    seen = Counter((trial["rate"], trial["outcome"]) for trial in found.answer["trials"])
    broken = seen[most, "broken"] + seen[most, "doubtful"] // MOST_DOUBTFUL
    if seen[least, "held"] < REPETITIONS or broken < REPETITIONS:
        wrong.append("the knee was not repeated")
    if (
        seen[least, "broken"]
        or seen[least, "doubtful"] >= MOST_DOUBTFUL
        or any(rate < most and outcome == "broken" for rate, outcome in seen)
    ):
        wrong.append("a rate below the interval's end was broken")
    return wrong


def refusal_mistakes(found: Found) -> list[str]:
    """The same for a search whose generator was INVALID."""
    wrong = []
    if found.exit_code != 4:
        wrong.append(f"exit code {found.exit_code}, not 4")
    if "INVALID" not in found.last_line:
        wrong.append("the last line does not say INVALID")
    outcomes = [trial["outcome"] for trial in found.answer.get("trials", [])]
    if outcomes[-MOST_INVALID:] != ["invalid"] * MOST_INVALID:
        wrong.append("not refused because of INVALID trials")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--limits", type=float, nargs="+", default=[12.0, 60.0], help="calls a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a trial")
    parser.add_argument("--tolerance", type=float, default=0.05)
    parser.add_argument("--hogged", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    failed = False
    with scratch() as folder:
        print(f"{'limit':>8}  {'found':24} {'off':>6} {'trials':>6}  verdict", flush=True)
        for limit in options.limits:
            found = search(folder, limit, options.seconds)
            wrong = mistakes_of(found, limit, options.tolerance)
            failed |= bool(wrong)
            tell(f"{limit:g}/s", found, limit, wrong)
        if options.hogged:
            with hogs(4 * (os.cpu_count() or 1)):
                found = search(folder, options.limits[-1], min(options.seconds, 5.0))
            wrong = refusal_mistakes(found)
            failed |= bool(wrong)
            tell("hogged", found, None, wrong)
    sys.exit(int(failed))


def tell(name: str, found: Found, limit: float | None, wrong: list[str]) -> None:
    """A line of the table."""
    least, most = found.answer.get("least"), found.answer.get("most")
    interval, off = "refused" if limit is None else "nothing", "—"
    if limit is not None and least is not None and most is not None:
        interval, off = f"{least:.2f}/s to {most:.2f}/s", f"{((least + most) / 2 - limit) / limit:+.1%}"
    trials = len(found.answer.get("trials", []))
    print(f"{name:>8}  {interval:24} {off:>6} {trials:6}  {'; '.join(wrong) or 'as expected'}", flush=True)


if __name__ == "__main__":
    main()
