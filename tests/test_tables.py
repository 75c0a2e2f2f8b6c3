"""CSV files of `data`: what is read, what is refused and how it is said, and which row a run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.tables import Rows, TableError, pick_row, read_table

TABLE = Rows(("number", "name"), (("1001", "Ann"), ("1002", "Bob"), ("1003", "Cid")))


def table_of(tmp_path: Path, content: str | bytes) -> Rows:
    path = tmp_path / "users.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("number,name\n1001,Ann\n", (("1001", "Ann"),)),
        ("\ufeffnumber,name\r\n1001,Ann\r\n", (("1001", "Ann"),)),
        ("number,name\n007,\n", (("007", ""),)),
        ('number,name\n1001,"Ann, ""the"" voice"\n', (("1001", 'Ann, "the" voice'),)),
        ('number,name\n1001,"two\nlines"\n', (("1001", "two\nlines"),)),
        (" number , name\n 1 , x\n", ((" 1 ", " x"),)),
        ("number,name\n\n1001,Ann\n\n", (("1001", "Ann"),)),
        ("number,name\n", ()),
        ("number,name\n1001,Zoë", (("1001", "Zoë"),)),
    ],
)
def test_cells_are_read_as_text_as_they_stand(tmp_path: Path, content: str, rows: tuple[tuple[str, ...], ...]) -> None:
    table = table_of(tmp_path, content)
    assert (table.columns, table.rows) == (("number", "name"), rows)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty: its first line has the names of the columns"),
        ("number,name\n1001\n", "line 2: 1 values for 2 columns"),
        ("number,name\n1001,Ann\n1,2,3\n", "line 3: 3 values for 2 columns"),
        ('number,name\n1,"a\nb"\n1\n', "line 4: 1 values for 2 columns"),
        ("number,number\n", "two columns are named `number`"),
        ("number,full name\n", "`full name` is no name for a column"),
        ("number,\n", "`` is no name for a column"),
        ("number,größe\n", "`größe` is no name for a column"),
        (b"number\n\xff\n", "it is not UTF-8 text"),
        ('number\n"open\n', "cannot read"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(TableError, match=r"users\.csv") as raised:
        table_of(tmp_path, content)
    assert said in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        read_table(tmp_path / "none.csv")


def numbers(order: str, runs: int, seed: int = 0) -> list[int]:
    return [pick_row(TABLE, "users", order, number, seed).number for number in range(runs)]


def test_in_order_goes_round() -> None:
    assert numbers("order", 5) == [1, 2, 3, 1, 2]
    assert pick_row(TABLE, "users", "order", 1, 0).cells == {"number": "1002", "name": "Bob"}


def test_once_ends_with_the_table() -> None:
    assert numbers("once", 3) == [1, 2, 3]
    with pytest.raises(TableError, match="the table `users` has 3 rows, each to be used once: there is none for run 4"):
        pick_row(TABLE, "users", "once", 3, 0)


def test_random_rows_are_those_of_the_seed() -> None:
    assert numbers("random", 20, seed=7) == numbers("random", 20, seed=7) != numbers("random", 20, seed=8)
    assert set(numbers("random", 50, seed=7)) == {1, 2, 3}
    assert set(numbers("random", 200)) == {1, 2, 3}


@pytest.mark.parametrize("order", ["order", "once", "random"])
def test_a_table_without_rows_has_none_for_anybody(order: str) -> None:
    with pytest.raises(TableError, match="the table `users` has no rows"):
        pick_row(Rows(("number",), ()), "users", order, 0, 0)
