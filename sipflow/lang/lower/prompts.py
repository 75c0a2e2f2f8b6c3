"""Media files that a scenario plays."""

from __future__ import annotations

from posixpath import normpath

from sipflow.ir.expr import Expr, constant_text
from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.files import FileProblem
from sipflow.lang.lower.context import Context


def check_prompt(path: Expr, context: Context) -> None:
    """Report a file that is not there or is no audio; names that are known at run time only are left to the run."""
    text = constant_text(path)
    if context.files is None or text is None or not context.is_readable(path):
        return
    found = context.files.probe(text)
    if isinstance(found, FileProblem):
        _report(found, path, text, context)


def _report(problem: FileProblem, path: Expr, text: str, context: Context) -> None:
    if problem.kind != "missing":
        context.report.error("SF402", problem.message, path.span, "this cannot be played")
        return
    near = closest(text, problem.similar)
    places = f"looked in {', '.join(problem.searched)}" if problem.searched else ""
    if normpath(text).startswith(".."):
        places += "; a relative name stays inside, write the whole path"
    fix = replace(path.span, f'"{near}"') if near else None
    help_text = f"did you mean `{near}`?" if near else places
    context.report.error("SF401", problem.message, path.span, "no such file", help=help_text, fix=fix)
