"""Syntax tree to graph: names are looked up, units and kinds of values are checked, `else` becomes edges."""
