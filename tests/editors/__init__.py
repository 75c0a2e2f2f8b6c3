"""Tests of what editors show and do."""
