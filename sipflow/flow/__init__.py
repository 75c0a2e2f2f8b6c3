"""Walkers over the graph, one per lane: clockless machines that turn events of calls into commands for the runtime.

Nothing in here knows what a packet is, and nothing waits: `Scenario` takes events with the time at which they
happened, and yields commands, records and its next deadline.
"""

from sipflow.flow.outcome import Failure, LaneResult, Success
from sipflow.flow.scenario import Scenario

__all__ = ["Failure", "LaneResult", "Scenario", "Success"]
