"""A small registrar and record-routing proxy for demos and tests, as a machine without clock or socket."""
