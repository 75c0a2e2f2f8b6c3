"""The exceptions that sipflow raises: one root, few branches.

Protocol trouble (a 486, a time-out, a lost packet) is never an exception: it is an event that a scenario can expect.
"""

from __future__ import annotations


class SipflowError(Exception):
    """Root of everything that sipflow raises on purpose; its text is fit to be shown to a user."""


class MisuseError(SipflowError):
    """A caller inside the program broke the contract of an interface (you did it)."""


class ProtocolError(SipflowError):
    """Bytes from outside do not follow their format (they did it)."""


class MachineError(SipflowError):
    """The machine does not grant what the run needs: a port in use, a missing file, no descriptors. Exit code 3."""


class MediaError(MachineError):
    """A media file cannot be read or written, or the native engine refused a command."""
