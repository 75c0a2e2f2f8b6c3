"""`sipflow.values.dataclass` means what `dataclasses.dataclass` means; all laws are asked of both."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from sipflow import values

Decorator = Callable[..., Callable[[type], Any]]


def family(decorator: Decorator) -> dict[str, Any]:
    """The same classes, made by one of the decorators."""

    @decorator(frozen=True, slots=True)
    class Base:
        kind: ClassVar[str] = "base"
        place: int
        name: str = "nobody"

        @property
        def shown(self) -> str:
            return f"{self.name} at {self.place}"

    @decorator(frozen=True, slots=True)
    class Child(Base):
        kind: ClassVar[str] = "child"
        parts: tuple[int, ...] = ()
        note: str = values.field(default="", compare=False)
        password: str = values.field(default="hunter2", repr=False)

    class Plain(Base):
        pass

    @decorator(frozen=True, slots=True)
    class Indexed:
        words: tuple[str, ...]
        index: dict[str, int] = values.field(init=False, repr=False, compare=False, default_factory=dict)

        def __post_init__(self) -> None:
            self.index.update((word, number) for number, word in enumerate(self.words))

    @decorator(frozen=True, slots=True)
    class Nothing:
        pass

    @decorator(slots=True)
    class Box:
        inside: list[int] = values.field(default_factory=list)
        size: int = 3

    @decorator(slots=True, eq=False)
    class Thing:
        name: str

    @decorator(frozen=True, slots=True)
    class Own:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.name.lower() == other.name.lower()

        def __hash__(self) -> int:
            return hash(self.name.lower())

        def __repr__(self) -> str:
            return f"<{self.name}>"

    @decorator(frozen=True, slots=True, order=True)
    class Pair:
        first: int
        second: str

    return {name: value for name, value in locals().items() if isinstance(value, type)}


QUICK, STANDARD = family(values.dataclass), family(dataclasses.dataclass)
MAKINGS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Base", (1,), {}),
    ("Base", (), {"place": 1, "name": "alice"}),
    ("Base", (1, "alice"), {}),
    ("Child", (1, "alice", (1, 2)), {"note": "x"}),
    ("Child", (1,), {"password": "secret"}),
    ("Plain", (2,), {}),
    ("Plain", (1,), {}),
    ("Indexed", (("a", "b"),), {}),
    ("Nothing", (), {}),
    ("Box", (), {}),
    ("Box", ([1],), {"size": 4}),
    ("Thing", ("x",), {}),
    ("Own", ("Via",), {}),
    ("Own", ("via",), {}),
    ("Pair", (1, "b"), {}),
    ("Pair", (1, "a"), {}),
]


def outcome(action: Callable[[], object]) -> object:
    """What comes out, or the kind of error that comes."""
    try:
        return action()
    except Exception as error:
        return type(error)


SEVERAL = 6
"""More instances than are made before `__init__` is compiled."""


def makings(classes: dict[str, Any]) -> list[Any]:
    return [classes[name](*arguments, **named) for name, arguments, named in MAKINGS]


def tell_all(one: Any, others: list[Any]) -> dict[str, object]:
    """What can be seen of an instance, and beside others."""
    fields = dataclasses.fields(one)
    return {
        "values": [getattr(one, field.name) for field in fields],
        "repr": repr(one).replace("family.<locals>.", ""),
        "equal": [one == other for other in others],
        "less": [outcome(lambda other=other: one < other) for other in others],
        "most": [outcome(lambda other=other: one >= other) for other in others],
        "same hash": [outcome(lambda other=other: hash(one) == hash(other)) for other in others],
        "match": type(one).__match_args__,
        "assigned": [outcome(lambda name=field.name: setattr(copy.copy(one), name, 1)) for field in fields],
        "deleted": [outcome(lambda name=field.name: delattr(copy.copy(one), name)) for field in fields],
        "copied": outcome(lambda: copy.deepcopy(one) == one),
        "replaced": outcome(lambda: repr(dataclasses.replace(one, **{fields[0].name: (7,)})).rpartition(".")[2]),
        "dict": hasattr(one, "__dict__"),
    }


@pytest.mark.parametrize("before", [0, SEVERAL], ids=["first", "later"])
@pytest.mark.parametrize("number", range(len(MAKINGS)), ids=lambda number: f"{MAKINGS[number][0]}-{number}")
def test_an_instance_is_as_one_of_the_standard_librarys(number: int, before: int) -> None:
    classes = family(values.dataclass)
    for _ in range(before):
        makings(classes)
    quick, standard = makings(classes), makings(STANDARD)
    assert tell_all(quick[number], quick) == tell_all(standard[number], standard)


@pytest.mark.parametrize("name", QUICK)
def test_fields_are_told_as_the_standard_library_tells_them(name: str) -> None:
    def told(classes: dict[str, Any]) -> list[tuple[object, ...]]:
        items = dataclasses.fields(classes[name])
        return [
            (item.name, item.type, item.init, item.repr, item.compare, item.kw_only, item.default) for item in items
        ]

    assert told(QUICK) == told(STANDARD)
    assert QUICK[name].__dict__.get("__slots__") == STANDARD[name].__dict__.get("__slots__")
    assert QUICK[name].__qualname__ == STANDARD[name].__qualname__


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("Base", (), {}),
        ("Base", (1, "a", 2), {}),
        ("Base", (1,), {"place": 1}),
        ("Base", (1,), {"nobody": 1}),
        ("Indexed", ((), {}), {}),
        ("Indexed", (), {"words": (), "index": {}}),
        ("Nothing", (1,), {}),
    ],
)
def test_wrong_arguments_are_refused_at_first_and_later(
    name: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    for classes in (family(values.dataclass), STANDARD):
        for _ in range(SEVERAL):
            with pytest.raises(TypeError, match=r"__init__\(\)"):
                classes[name](*arguments, **named)


def test_every_box_gets_a_list_of_its_own() -> None:
    boxes = [QUICK["Box"](), QUICK["Box"]()]
    boxes[0].inside.append(1)
    assert boxes[1].inside == []


def test_a_class_that_is_first_used_through_a_subclass() -> None:
    classes = family(values.dataclass)
    assert classes["Plain"](4).shown == "nobody at 4"
    assert classes["Base"](5).shown == "nobody at 5"


@values.dataclass(frozen=True, slots=True)
class Sent:
    """Something that goes to another process."""

    number: int
    names: tuple[str, ...] = ()


def test_values_go_to_other_processes() -> None:
    sent = Sent(1, ("a",))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(sent, protocol)) == sent


def test_a_value_that_holds_itself_can_be_shown() -> None:
    box = QUICK["Box"]()
    box.inside.append(box)
    assert "..." in repr(box)


def test_a_class_without_slots_is_none_of_ours() -> None:
    with pytest.raises(AssertionError):
        values.dataclass(slots=False)
