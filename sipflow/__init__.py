"""sipflow: say in text what a call should do, and see on the wire whether it does."""

__version__ = "0.1.0"
