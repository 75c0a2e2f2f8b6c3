"""Checks of a program as a whole: they see the graph, with all its branches, loops and definitions."""

from __future__ import annotations

from sipflow.lang.checks.whole import check_whole

__all__ = ["check_whole"]
