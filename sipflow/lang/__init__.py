"""The sflow language: text in, graph and diagnostics out."""
