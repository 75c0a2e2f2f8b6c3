"""Graphs as programs: the text that means a graph, and the form in which graphs are compared."""

from sipflow.ir.program.canonical import canonical
from sipflow.ir.program.lanes import NoTextError
from sipflow.ir.program.text import graph_to_text

__all__ = ["NoTextError", "canonical", "graph_to_text"]
