"""Where clockless machines meet the world: sockets, the clock, the media engine, files."""
