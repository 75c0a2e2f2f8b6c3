"""No message of the two RFCs is left out, and each test says what it checks."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.sip.torture import test_rfc4475_application, test_rfc4475_invalid, test_rfc4475_valid, test_rfc5118
from tests.sip.torture.messages import names, needs_corpora

pytestmark = needs_corpora

RFC4475 = (test_rfc4475_valid, test_rfc4475_invalid, test_rfc4475_application)


def _tests(*modules: ModuleType) -> dict[str, str]:
    """Name of each message that has a test, and what the test says that it checks."""
    functions = [thing for module in modules for name, thing in vars(module).items() if name.startswith("test_")]
    return {function.__name__.removeprefix("test_"): function.__doc__ or "" for function in functions}


@pytest.mark.parametrize(
    ("corpus", "modules", "count"),
    # 49 messages of sections 3.1 to 3.4, and the one that is in the archive only.
    [("sip-rfc4475", RFC4475, 50), ("sip-rfc5118", (test_rfc5118,), 12)],
    ids=["rfc4475", "rfc5118"],
)
def test_every_message_has_its_test(corpus: str, modules: tuple[ModuleType, ...], count: int) -> None:
    tests = _tests(*modules)
    assert {name.replace("-", "_") for name in names(corpus)} == set(tests)
    assert len(tests) == count
    assert all(tests.values())
