"""The sflow language: text in, graph and diagnostics out.

Nothing here opens a file or raises on account of a text, whatever the text is.
"""

from sipflow.lang.compile import CompileResult, compile_text
from sipflow.lang.diagnostics import Diagnostic, Severity, has_errors, render
from sipflow.lang.files import FileProblem, Files, ImportedText, MediaInfo, TableInfo
from sipflow.lang.parse import ParseResult, parse
from sipflow.lang.source import Source

__all__ = [
    "CompileResult",
    "Diagnostic",
    "FileProblem",
    "Files",
    "ImportedText",
    "MediaInfo",
    "ParseResult",
    "Severity",
    "Source",
    "TableInfo",
    "compile_text",
    "has_errors",
    "parse",
    "render",
]
