"""Writes what editors know of the language out of its grammar and of `editors/words.toml`: `make editors`."""
