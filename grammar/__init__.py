"""Grammars of the sflow language; `sipflow.lang` reads them as package data."""
