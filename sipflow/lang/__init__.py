"""The sflow language: text in, graph and diagnostics out.

Nothing here opens a file or raises on account of a text, whatever the text is.
"""

from sipflow.lang.compile import CompileResult, compile_text
from sipflow.lang.diagnostics import Diagnostic, Severity, has_errors, render
from sipflow.lang.media import MediaInfo, MediaProbe, MediaProblem
from sipflow.lang.parse import ParseResult, parse
from sipflow.lang.source import Source

__all__ = [
    "CompileResult",
    "Diagnostic",
    "MediaInfo",
    "MediaProbe",
    "MediaProblem",
    "ParseResult",
    "Severity",
    "Source",
    "compile_text",
    "has_errors",
    "parse",
    "render",
]
