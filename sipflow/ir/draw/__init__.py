"""Graphs as pictures: SVG by a layout of our own, Mermaid and DOT for the tools that read them."""

from sipflow.ir.draw.dot import graph_to_dot
from sipflow.ir.draw.mermaid import graph_to_mermaid
from sipflow.ir.draw.svg import graph_to_svg

__all__ = ["graph_to_dot", "graph_to_mermaid", "graph_to_svg"]
