"""Dataclasses that are defined at once: their methods are made when they are first needed.

The decorator of the standard library compiles seven functions for a class, which takes longer than all else that an
import of ours does; a check of a short file defines 150 such classes and makes instances of half of them. This one has
the same meaning for classes with slots. Only `__init__`, where speed counts, is compiled, and that once a few instances
were made; the other methods go over the fields. Type checkers see the decorator of the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields, replace
from operator import attrgetter, ge, gt, le, lt
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass", "field", "fields", "replace"]

_MAKE = object()
"""The default of a parameter whose field has a factory."""
_SELDOM = 8
"""How many instances are made before it pays to compile `__init__`: compiling takes as long as making 100 without."""


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Model:
    """What the standard library notes in a class, and in a field: it has no public names for it."""

    item: int


_MODEL: Any = _Model
_A_FIELD = _MODEL.__dataclass_fields__["item"]._field_type


def _defined(cls: type, *, frozen: bool, eq: bool, order: bool) -> Any:
    """A dataclass with slots: the class is made once more, with all that it needs in its namespace.

    A class that mypyc compiled has a place for each field already, and stays the one that compiled code knows."""
    is_compiled = cls.__dictoffset__ == 0
    inherited = _inherited_fields(cls)
    items = inherited | _own_fields(cls)
    namespace = {name: value for name, value in cls.__dict__.items() if name not in items}
    added: dict[str, Any] = {
        "__match_args__": tuple(name for name, item in items.items() if item.init),
        "__dataclass_fields__": items,
        "__dataclass_params__": _MODEL.__dataclass_params__,
    }
    methods: dict[str, Any] = {"__repr__": _repr}
    if eq:
        methods |= _comparison(items, frozen=frozen)
    if order:
        methods |= _order(items)
    if frozen:
        methods |= _FROZEN
    added |= {name: method for name, method in methods.items() if namespace.get(name) is None}

    left = _SELDOM

    def __init__(self: object, *arguments: object, **named: object) -> None:  # noqa: N807 - what tracebacks say
        nonlocal left
        left -= 1
        if left < 0 or not _filled(self, all_fields, arguments, named, set_field):
            made.__init__ = _compiled_init(made, frozen=frozen)
            made.__init__(self, *arguments, **named)

    all_fields = tuple(items.values())
    set_field = object.__setattr__ if frozen else setattr
    added["__init__"] = __init__
    made: Any = cls
    if is_compiled:
        if frozen:  # mypyc has a __setstate__ of its own, which would assign
            added["__reduce__"] = _reduced
        for name, value in added.items():
            setattr(cls, name, value)
        return made
    added["__qualname__"] = cls.__qualname__
    added["__slots__"] = tuple(name for name in items if name not in inherited)
    for name in ("__dict__", "__weakref__"):  # descriptors of the class that had no slots
        namespace.pop(name, None)
    made = type(cls)(cls.__name__, cls.__bases__, namespace | added)
    return made


def _inherited_fields(cls: type) -> dict[str, Field[Any]]:
    found: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        found |= base.__dict__.get("__dataclass_fields__", {})
    return found


def _own_fields(cls: type) -> dict[str, Field[Any]]:
    """What is annotated in the body of a class, by name; what belongs to the class itself is no field."""
    found: dict[str, Field[Any]] = {}
    for name, annotation in cls.__annotations__.items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            continue
        default = getattr(cls, name, MISSING)
        item: Any = default
        if not isinstance(default, Field):
            item = field(default=MISSING if isinstance(default, MemberDescriptorType) else default)
        item.name, item.type, item.kw_only, item._field_type = name, annotation, False, _A_FIELD
        found[name] = item
    return found


def _filled(
    value: Any,
    items: Sequence[Field[Any]],
    arguments: tuple[object, ...],
    named: dict[str, object],
    set_field: Callable[[object, str, object], None],
) -> bool:
    """Do what the compiled `__init__` would; False, and nothing done, when it would refuse the arguments."""
    given = dict(zip((item.name for item in items if item.init), arguments, strict=False)) | named
    if len(given) != len(arguments) + len(named):
        return False
    found = {item.name: given.pop(item.name) if item.init and item.name in given else _default(item) for item in items}
    if given or any(item.init and found[item.name] is MISSING for item in items):
        return False
    for name, content in found.items():
        if content is not MISSING:
            set_field(value, name, content)
    if hasattr(value, "__post_init__"):
        value.__post_init__()
    return True


def _default(item: Field[Any]) -> object:
    return item.default if item.default_factory is MISSING else item.default_factory()


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


def _comparison(items: dict[str, Field[Any]], *, frozen: bool) -> dict[str, Any]:
    key = _key([item.name for item in items.values() if item.compare])

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    if not frozen:
        return {"__eq__": __eq__, "__hash__": None}
    hashed = _key([item.name for item in items.values() if (item.compare if item.hash is None else item.hash)])

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _order(items: dict[str, Field[Any]]) -> dict[str, Any]:
    key = _key([item.name for item in items.values() if item.compare])

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


def _reduced(self: Any) -> tuple[Any, ...]:
    return _restored, (type(self), _state(self))


def _restored(cls: Any, state: list[Any]) -> Any:
    value = cls.__new__(cls)
    _set_state(value, state)
    return value


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
