"""SIP over the sockets of this machine, and its name service."""
