"""What pyproject.toml cannot say: the native module, the packages, and the tag of the wheel."""

from __future__ import annotations

import sysconfig

from setuptools import find_packages, setup

# A free-threaded CPython has no limited API before 3.15; there the wheel serves that one version only.
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    # grammar/ lies beside sipflow/ because editors read it too; to Python it is the package sipflow.grammar.
    packages=[*find_packages(include=["sipflow", "sipflow.*"]), "sipflow.grammar"],
    package_dir={"sipflow.grammar": "grammar"},
    cffi_modules=["csrc/build_native.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED_API else {},
)
