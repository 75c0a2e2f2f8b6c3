"""SIP: messages, transactions, dialogs and user agents as machines without clock or socket (RFC 3261)."""

from sipflow.compiled import put_first

put_first("sip", __path__)
