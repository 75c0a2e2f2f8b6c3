"""Session descriptions (RFC 4566) and their offers and answers (RFC 3264)."""

from sipflow.compiled import put_first

put_first("sdp", __path__)
