"""How long a person waits for `sipflow check`: scenarios in fresh processes, long files, and an editor's next check.

Beside each scenario stand, in the same run and turn by turn with it, a Python that does nothing and one that imports
lark and click only: the ratio tells what is ours where the machine is slow or busy. Times are of the whole process,
from its start to its exit code, with files in the page cache and modules compiled, as from the second call on; the
last line of the first table is a call for which nothing of sipflow is compiled. The long files are made here: lanes
that call each other with branches, loops, recordings and signals, as a person would write them.

    python bench/check_speed.py [--rounds N] [--quick] [FILE…]

All scenarios in 20 rounds take ten minutes on a slow machine; `--quick` takes a few of them in 7. Exit code 1 when a
scenario or the long file takes longer than it may.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench._scratch import scratch
from sipflow.lang import compile_text

SCENARIOS = Path(__file__).parents[1] / "scenarios"
BASELINES = {"python -c pass": ["-c", "pass"], "import lark, click": ["-c", "import lark, click"]}
A_FEW = ("ivr.sflow", "attended-transfer.sflow", "data-driven.sflow", "registrar-answers.sflow")
"""What `--quick` checks: audio files, many lanes, a table, the longest."""
FEW_ROUNDS = 7
SCENARIO_MAY_TAKE_S = 0.250
"""The median of any scenario."""
LONG_FILE_MAY_TAKE_S = 2.0
"""The median of 5,000 lines, and what one in twenty takes longer than."""

_PAIR = """\
on caller{n} {{
  call callee{n} within 5s
  record "caller{n}.wav"
  expect dtmf "1" within 5s else {{ log "none"; recover }}
  if media.loss > 1% {{ log "lossy" }} else {{ log "fine" }}
  repeat 3 times {{ send dtmf "12"; wait 100ms }}
  check media.codec == "PCMU" else recover
  choose within 5s {{
    dtmf "1" => {{ log "one" }}
    dtmf "2" => log "two"
    hangup => end
    timeout => log "nothing"
  }}
  hold
  resume
  signal done{n}
  release
}}

on callee{n} {{
  ring
  answer
  send dtmf "1"
  expect dtmf "12"
  while media.loss > 50% {{ wait 1s; log "bad" }}
  await done{n}
  expect hangup within 10s
}}

"""


def long_text(lines: int) -> str:
    """A scenario of at least so many lines in which nothing is wrong."""
    pairs = -(-lines // _PAIR.count("\n"))
    return "".join(_PAIR.format(n=number) for number in range(pairs))


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def process(arguments: Sequence[str], compiled: str | None) -> Callable[[], object]:
    """A Python of its own that must succeed, with a folder for compiled modules or (None) what was compiled before."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"} if compiled is None else {"PYTHONPYCACHEPREFIX": compiled}
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, check=True, capture_output=True, env=environment)


def check_of(file: Path) -> list[str]:
    """Arguments of a Python that checks a file."""
    return ["-m", "sipflow", "check", str(file)]


def in_turns(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Times of each, taken turn by turn: what else the machine does meets all alike. A first turn is dropped."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            took = seconds(work)
            if number:
                times[name].append(took)
    return times


def percentile_95(times: Sequence[float]) -> float:
    """The time that one in twenty takes longer than."""
    return sorted(times)[min(len(times) - 1, int(0.95 * len(times)))]


def print_row(name: str, times: Sequence[float], floor: float | None = None) -> None:
    """One line of the table, in milliseconds; `floor` is what the median is compared with."""
    median, late = statistics.median(times), percentile_95(times)
    ratio = "" if floor is None else f"{median / floor:11.1f}"
    print(f"{name:38}{1000 * median:8.0f}{1000 * late:8.0f}{ratio}")


def in_fresh_processes(files: Sequence[Path], rounds: int, compiled: str) -> float:
    """Print a line a file; returns the median of the slowest."""
    works = {name: process(arguments, compiled) for name, arguments in BASELINES.items()}
    works |= {file.name: process(check_of(file), compiled) for file in files}
    works[f"{files[0].name}, first call"] = process(check_of(files[0]), None)
    times = in_turns(works, rounds)
    floor = statistics.median(times["import lark, click"])
    print(f"{'fresh process, ms':38}{'median':>8}{'p95':>8}{'/ imports':>11}")
    for name in works:
        print_row(name, times[name], floor)
    return max(statistics.median(times[file.name]) for file in files)


def long_files(rounds: int, compiled: str) -> list[float]:
    """Print a line for a long file in a fresh process, and one for each in a process that is warm.

    Returns the times of the first.
    """
    print(f"\n{'long files, ms':38}{'median':>8}{'p95':>8}")
    file = Path(compiled, "long.sflow")
    file.write_text(long_text(5000))
    fresh = in_turns({"": process(check_of(file), compiled)}, rounds)[""]
    print_row("5000 lines, fresh process", fresh)
    for lines in (1000, 5000):
        again = partial(compile_text, long_text(lines))
        print_row(f"{lines} lines, checked again", in_turns({"": again}, rounds)[""])
    return fresh


def is_met(what: str, took_s: float, may_take_s: float) -> bool:
    """Whether a time is one that may be; prints the line that says so."""
    met = took_s < may_take_s
    print(f"{what}: {1000 * took_s:.0f} ms; may take {1000 * may_take_s:.0f} ms: {'met' if met else 'missed'}")
    return met


def main() -> None:
    """Print the tables; exit code 1 when something takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    rounds = options.rounds or (FEW_ROUNDS if options.quick else 20)
    chosen = [SCENARIOS / name for name in A_FEW] if options.quick else sorted(SCENARIOS.glob("*.sflow"))
    with scratch() as folder:
        slowest = in_fresh_processes(options.files or chosen, rounds, str(folder))
        long = long_files(rounds if options.quick else max(3, rounds // 4), str(folder))
    print()
    verdicts = [
        is_met("slowest scenario, median", slowest, SCENARIO_MAY_TAKE_S),
        is_met("5000 lines, median", statistics.median(long), LONG_FILE_MAY_TAKE_S),
        is_met("5000 lines, p95", percentile_95(long), LONG_FILE_MAY_TAKE_S),
    ]
    sys.exit(not all(verdicts))


if __name__ == "__main__":
    main()
