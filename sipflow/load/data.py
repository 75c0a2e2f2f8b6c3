"""The plan of each call: a row of every table of its own."""

from __future__ import annotations

from sipflow.load.crowd import NoRowError
from sipflow.plan.plan import Plan, plan_with_rows
from sipflow.tables import Rows, TableError, pick_row

_SEED_STEP = 1_000_003
"""A prime: seeds of calls of runs with neighbouring seeds are not the same ones."""


class PlanMaker:
    """Makes the plan of call number n, the same one in whichever worker."""

    def __init__(self, plan: Plan, tables: tuple[tuple[str, str, Rows], ...]) -> None:
        self._plan = plan
        self._tables = tables

    def __call__(self, number: int) -> Plan:
        """Raises `NoRowError` when a table whose rows are used once has none left."""
        plan = self._plan
        seed = plan.seed * _SEED_STEP + number + 1 if plan.seed else 0
        if not self._tables:
            return plan_with_rows(plan, plan.rows, plan.row_numbers, seed) if seed else plan
        try:
            rows = {name: pick_row(table, name, order, number, plan.seed) for name, order, table in self._tables}
        except TableError as error:
            raise NoRowError("a table has no row left") from error
        cells = {name: row.cells for name, row in rows.items()}
        return plan_with_rows(plan, cells, {name: row.number for name, row in rows.items()}, seed)
