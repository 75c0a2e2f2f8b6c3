"""Graph, command line and environment bound together: everything that a run needs to know before its first packet."""
