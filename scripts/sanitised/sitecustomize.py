"""Puts the sanitised native module in the place of the ordinary one, in every Python below `make asan`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec


class SanitisedNative:
    """A finder for the one module; it stands first on the path and leaves every other name to the next."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """The module's spec with the file that SIPFLOW_SANITISED_NATIVE names."""
        if name != "sipflow.native._native":
            return None
        return importlib.util.spec_from_file_location(name, os.environ["SIPFLOW_SANITISED_NATIVE"])


sys.meta_path.insert(0, SanitisedNative)
