"""Scenarios of the SIPFLOW desktop builder: its FlowData JSON to a graph, and a graph to FlowData."""

from sipflow.flowdata.compare import same_flow
from sipflow.flowdata.exporting import Exported, write_flow
from sipflow.flowdata.importing import Imported, read_flow
from sipflow.flowdata.notes import Note

__all__ = ["Exported", "Imported", "Note", "read_flow", "same_flow", "write_flow"]
