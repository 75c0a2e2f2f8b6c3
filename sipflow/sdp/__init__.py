"""Session descriptions (RFC 4566) and their offers and answers (RFC 3264)."""
