"""CSV files of `data`: a row of column names, then rows of texts (RFC 4180, with a BOM or without)."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sipflow.errors import SipflowError

MAX_CELL_CHARACTERS = 1 << 16


class TableError(SipflowError):
    """A CSV file cannot be read; the text names the file, the line and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A CSV file as it was read."""

    columns: tuple[str, ...]
    """Names that `${table.column}` can speak of: ASCII letters, digits and `_`."""
    rows: tuple[tuple[str, ...], ...]
    """As many cells each as there are columns; always text, so that `007` stays `007`."""


def read_table(path: Path) -> Rows:
    """The rows of a CSV file; raises `TableError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(reader.line_num, row) for reader in (csv.reader(file, strict=True),) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or (
            "it is not UTF-8 text" if isinstance(error, UnicodeError) else error
        )
        raise TableError(f"cannot read {path}: {reason}") from error
    if not lines:
        raise TableError(f"{path} is empty: its first line has the names of the columns")
    columns = tuple(name.strip() for name in lines[0][1])
    _check_columns(path, columns)
    for number, row in lines[1:]:
        if len(row) != len(columns):
            raise TableError(f"{path}, line {number}: {len(row)} values for {len(columns)} columns")
    return Rows(columns, tuple(tuple(row) for _, row in lines[1:]))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    number: int
    """From 1, not counting the names of the columns."""
    cells: Mapping[str, str]


def pick_row(table: Rows, name: str, order: str, number: int, seed: int) -> Row:
    """The row that run `number` (from 0) of a series takes; raises `TableError` when there is none for it.

    `order` is `order`, `once` or `random`, as `data NAME from FILE` says; 0 for `seed` is fresh randomness.
    """
    count = len(table.rows)
    if not count:
        raise TableError(f"the table `{name}` has no rows")
    if order == "once" and number >= count:
        raise TableError(
            f"the table `{name}` has {count} rows, each to be used once: there is none for run {number + 1}"
        )
    randomness = random.Random(f"{seed}/rows/{name}/{number}" if seed else None)
    index = randomness.randrange(count) if order == "random" else number % count
    return Row(index + 1, dict(zip(table.columns, table.rows[index], strict=True)))


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    for name in columns:
        if not (name.isascii() and name.isidentifier()):
            raise TableError(f"{path}, line 1: `{name}` is no name for a column (ASCII letters, digits and _)")
        if columns.count(name) > 1:
            raise TableError(f"{path}, line 1: two columns are named `{name}`")
