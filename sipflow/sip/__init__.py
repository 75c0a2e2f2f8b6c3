"""SIP: messages, transactions, dialogs and user agents as machines without clock or socket (RFC 3261)."""
