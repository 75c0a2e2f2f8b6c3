"""Tests of the registrar and proxy."""
