"""One early dialog of an INVITE of ours (RFC 3261 section 12.1): a fork of the INVITE makes one for each branch."""

from __future__ import annotations

from sipflow.sip.dialog import Dialog
from sipflow.sip.message import Response
from sipflow.sip.negotiation import Negotiation
from sipflow.sip.reliable_provisional import rseq_of
from sipflow.values import dataclass


@dataclass(slots=True)
class EarlyDialog:
    """A dialog whose INVITE is not answered, with the session that it has before the answer."""

    dialog: Dialog
    negotiation: Negotiation
    """Of the same offer as those of the other branches; the answers differ."""
    rseq: int | None = None
    """Number of the latest reliable provisional response."""

    def takes(self, response: Response) -> bool:
        """Whether a provisional response comes in its turn (RFC 3262 section 4): one without number always does, a
        repetition or one that overtook another never."""
        number = rseq_of(response)
        if number is None:
            return True
        if self.rseq is not None and number != self.rseq + 1:
            return False
        self.rseq = number
        return True
