"""The language server: what an editor asks about scenarios, and the answers.

`server` is glue between the protocol and functions of a `Document` (`analysis`), one module for each kind of question.
"""
