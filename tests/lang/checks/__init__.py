"""Tests of the checks that see a whole program."""
