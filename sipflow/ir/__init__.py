"""The graph of a scenario, as values: what `sipflow.lang` makes of text, and everything else works from."""
