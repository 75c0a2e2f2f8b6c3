"""Dataclasses that are defined at once: their methods are made when they are first needed.

The decorator of the standard library compiles seven functions for a class, which takes longer than all else that an
import of ours does; a check of a short file defines 150 such classes and makes instances of half of them. This one has
the same meaning for classes with slots. Only `__init__`, where speed counts, is compiled, and that for the first
instance; the other methods go over the fields. Type checkers see the decorator of the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields, replace
from operator import attrgetter, ge, gt, le, lt
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass", "field", "fields", "replace"]

_MAKE = object()
"""The default of a parameter whose field has a factory."""


def _defined(cls: type, *, frozen: bool, eq: bool, order: bool) -> Any:
    """A dataclass with slots."""
    own = dict(cls.__dict__)
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    methods: dict[str, Any] = {"__repr__": _repr}
    if eq:
        methods |= _comparison(made, frozen=frozen)
    if order:
        methods |= _order(made)
    if frozen:
        methods |= _FROZEN
    for name, method in methods.items():
        if own.get(name) is None:
            setattr(made, name, method)
    made.__init__ = _first_init(made, frozen=frozen)
    return made


def _first_init(cls: type, *, frozen: bool) -> Callable[..., None]:
    def __init__(self: object, *arguments: object, **named: object) -> None:  # noqa: N807 - what tracebacks say
        cls.__init__ = _compiled_init(cls, frozen=frozen)  # type: ignore[misc]
        cls.__init__(self, *arguments, **named)  # type: ignore[misc]

    return __init__


def _compiled_init(cls: type, *, frozen: bool) -> Callable[..., None]:
    """The `__init__` that sets every field, and looks at nothing while it does."""
    names: dict[str, Any] = {"_MAKE": _MAKE}
    parameters, body = ["self"], []
    for item in fields(cls):
        name = item.name
        names |= {f"_default_{name}": item.default, f"_make_{name}": item.default_factory}
        value = _value_of(item)
        if item.init:
            parameters.append(_parameter(item))
        if value is not None and frozen:
            names[f"_set_{name}"] = getattr(cls, name).__set__
            body.append(f"_set_{name}(self, {value})")
        elif value is not None:
            body.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"]), names)
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _parameter(item: Field[Any]) -> str:
    if item.default is not MISSING:
        return f"{item.name}=_default_{item.name}"
    return item.name if item.default_factory is MISSING else f"{item.name}=_MAKE"


def _value_of(item: Field[Any]) -> str | None:
    """What a field is set to, as source; None when it is not set."""
    name = item.name
    if item.default_factory is not MISSING:
        return f"_make_{name}() if {name} is _MAKE else {name}" if item.init else f"_make_{name}()"
    if item.init:
        return name
    return None if item.default is MISSING else f"_default_{name}"


def _comparison(cls: type, *, frozen: bool) -> dict[str, Any]:
    key = _key([item.name for item in fields(cls) if item.compare])

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    if not frozen:
        return {"__eq__": __eq__, "__hash__": None}
    hashed = _key([item.name for item in fields(cls) if (item.compare if item.hash is None else item.hash)])

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _order(cls: type) -> dict[str, Any]:
    key = _key([item.name for item in fields(cls) if item.compare])

    def method(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
        return lambda self, other: (
            compare(key(self), key(other)) if other.__class__ is self.__class__ else NotImplemented
        )

    return {f"__{compare.__name__}__": method(compare) for compare in (lt, le, gt, ge)}


def _key(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """The tuple of these attributes."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse_set(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, item.name) for item in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for item, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)


_FROZEN = {
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
"""Of classes whose instances never change; the last two for pickling, which would assign."""

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, slots: bool, frozen: bool = False, eq: bool = True, order: bool = False) -> Callable[[type], type]:
        """As `dataclasses.dataclass`, for classes with slots."""
        assert slots, "classes without slots are left to the standard library"
        return lambda cls: _defined(cls, frozen=frozen, eq=eq, order=order)
