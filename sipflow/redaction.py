"""Secrets: values that no log, report or capture shows."""

from __future__ import annotations

REDACTED = "***"
"""What stands in their place."""


class Redactor:
    """Knows the secrets of one run and takes them out of whatever is about to be shown or written.

    One of them stands between the run and all of its outputs (`sipflow.api`); `secret E` adds to it when E is
    evaluated.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, value: str) -> None:
        """Keep `value` out of everything from now on; the empty text is no secret."""
        if value:
            self._secrets.add(value)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text
