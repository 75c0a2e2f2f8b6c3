"""What pyproject.toml cannot say: the native module, the packages, and the tag of the wheel."""

from __future__ import annotations

import sysconfig

from setuptools import find_packages, setup

# A free-threaded CPython has no limited API before 3.15; there the wheel serves that one version only.
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    # grammar/ lies beside sipflow/ because editors read it too; sipflow/grammar is a link to it. With every package
    # where its name says, an editable installation is a line in a .pth file; otherwise it would be a finder that every
    # start of Python has to import.
    packages=find_packages(include=["sipflow", "sipflow.*"]),
    package_dir={"": "."},
    cffi_modules=["csrc/build_native.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED_API else {},
)
