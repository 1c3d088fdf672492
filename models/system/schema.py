"""Validates untrusted values against declared types; an error names the first invalid value and its rule in one sentence.

A schema is a `msgspec.Struct`, a dataclass, or any type that msgspec converts to. The rule of a field is derived from its
type, or stated by `Meta(description=...)` if the type alone does not express it ("the name of a checkpoint").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "SHOWN",
    "Member",
    "bare",
    "broken",
    "check",
    "choice",
    "described",
    "is_object",
    "members_of",
    "read",
    "shown",
    "union_of",
    "whole",
]

T = TypeVar("T")

SHOWN = 60  # characters of an invalid value that an error quotes
NAME_SHOWN = 80  # characters of a name inside a path


class Member(NamedTuple):
    """A declared member of an object."""

    name: str
    kind: Any  # its annotated type
    required: bool


class _Part(NamedTuple):
    value: object
    kind: Any
    path: str


def read(value: object, kind: type[T], what: str, path: str = "") -> T:
    """Converts a value to a type; the only coercion is from an integer to a float.

    Arguments:
        value: Untrusted value, of a JSON type.
        kind: A Struct or another type that msgspec supports, with its limits.
        what: Name of the value in the message, such as "An edit".
        path: Path of the value inside a larger one, such as "edit.A".

    Raises:
        ValueError: For the first invalid part: its path, the rule, and the value.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        problem = _problem(_Part(value, kind, path), what)
    raise ValueError(problem)


def check(instance: Any, path: str = "") -> None:
    """Checks the members of a Struct or a dataclass, whose constructor does not check them.

    Raises:
        ValueError: For the first invalid part, as in `read`.
    """
    for member in members_of(type(instance)):
        read(getattr(instance, member.name), member.kind, "", f"{path}{member.name}")


def broken(name: str, rule: str, value: object) -> ValueError:
    """Returns the error for an invalid value, such as `x` with the rule "a number in 0..1"."""
    return ValueError(f"`{name}` must be {rule}. Got {shown(value)}.")


def whole(value: object, name: str, low: int, high: int) -> int:
    """Checks an integer whose limits are known only at run time.

    Raises:
        ValueError: If it is not an integer, or outside the limits.
    """
    if type(value) is not int or not low <= value <= high:
        raise broken(name, f"a whole number in {low}..{high}", value)
    return value


def choice(value: object, name: str, choices: Sequence[T]) -> T:
    """Checks a value whose choices are known only at run time.

    Raises:
        ValueError: If it is not one of them.
    """
    for known in choices:
        if type(value) is type(known) and value == known:
            return known
    rule = f"one of: {', '.join(map(str, choices))}" if choices else "left out: there is nothing to choose"
    raise broken(name, rule, value)


def shown(value: object) -> str:
    """Formats a value for an error message: shortened, and without the content of a list or an object."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if not isinstance(value, str | int | float | None):
        return "an object" if isinstance(value, Mapping) else type(value).__name__
    try:
        text = repr(value[: SHOWN + 1] if isinstance(value, str) else value)
    except ValueError:  # an integer of thousands of digits
        return "a number too large to show"
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def is_object(kind: Any) -> bool:
    """Whether a type declares the members of an object: a Struct or a dataclass."""
    return isinstance(kind, type) and (issubclass(kind, Struct) or is_dataclass(kind))


def members_of(kind: type[Any]) -> list[Member]:
    """Returns the members of a Struct or of a dataclass."""
    if issubclass(kind, Struct):
        return [Member(each.encode_name, each.type, each.required) for each in msgspec.structs.fields(kind)]
    hints: dict[str, Any] = _hints(kind)  # type: ignore[arg-type]
    return [
        Member(each.name, hints[each.name], each.default is MISSING and each.default_factory is MISSING)
        for each in fields(kind)
    ]


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def bare(kind: Any) -> Any:
    """Returns a type without its annotations."""
    return bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def described(kind: Any) -> str | None:
    """Returns the description in the annotation of a type, if any."""
    if get_origin(kind) is not Annotated:
        return None
    inner, *metas = get_args(kind)
    for meta in reversed(metas):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    return described(inner)


def union_of(kind: Any) -> tuple[Any, ...]:
    """Returns the members of a union, or the type itself."""
    inner = bare(kind)
    return get_args(inner) if get_origin(inner) in (Union, UnionType) else (kind,)


def _problem(part: _Part, what: str) -> str:
    """Writes the message for an invalid part, about the innermost invalid part of it."""
    name = f"`{part.path}`" if part.path else what
    for kind in union_of(part.kind):
        if is_object(bare(kind)) and isinstance(part.value, dict):
            return _object_problem(part, bare(kind), name, what)
        if not _has_length(part.value, kind):
            break
        for inner in _parts(part, bare(kind)):
            if not _fits(inner):
                return _problem(inner, what)
        if get_origin(bare(kind)) is dict and isinstance(part.value, dict):
            name_kind = get_args(bare(kind))[0]
            for key in part.value:
                if not _fits(_Part(key, name_kind, "")):
                    return f"Each name in {name} must be {_rule(name_kind)}. Got {shown(key)}."
    return f"{name} must be {_rule(part.kind)}. Got {shown(part.value)}."


def _object_problem(part: _Part, kind: type[Any], name: str, what: str) -> str:
    """Writes the message for an object with a missing, unknown or invalid member, or with inconsistent members."""
    given: dict[str, object] = part.value  # type: ignore[assignment]
    members = members_of(kind)
    for member in members:
        if member.required and member.name not in given:
            return f"{name} must have `{member.name}`. Got none."
    names = [member.name for member in members]
    if issubclass(kind, Struct) and kind.__struct_config__.forbid_unknown_fields:
        unknown = given.keys() - {*names, kind.__struct_config__.tag_field}
        for key in [key for key in given if key in unknown][:1]:
            return f"{name} may only have {', '.join(names)}. Got {shown(key)}."
    for inner in _parts(part, kind):
        if not _fits(inner):
            return _problem(inner, what)
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return f"{name} is not valid."


def _parts(part: _Part, kind: Any) -> Iterator[_Part]:
    """Yields the members of an object, or the items of a list, with their types."""
    value, arguments = part.value, get_args(kind)
    start = f"{part.path}." if part.path else ""
    if is_object(kind) and isinstance(value, dict):
        for member in members_of(kind):
            if member.name in value:
                yield _Part(value[member.name], member.kind, start + member.name)
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, inner in value.items():
            if _fits(_Part(name, arguments[0], "")):
                yield _Part(inner, arguments[1], start + repr(str(name)[:NAME_SHOWN])[1:-1])
    elif get_origin(kind) in (tuple, list) and isinstance(value, list | tuple):
        uniform = len(arguments) == 1 or arguments[-1] is Ellipsis
        kinds: Iterable[Any] = [arguments[0]] * len(value) if uniform else arguments
        if uniform or len(value) == len(arguments):
            for index, (inner, inner_kind) in enumerate(zip(value, kinds, strict=True)):
                yield _Part(inner, inner_kind, f"{part.path}[{index}]")


def _has_length(value: object, kind: Any) -> bool:
    """Whether the number of items of a list, or members of an object, is within the limits of its type."""
    info = msgspec.inspect.type_info(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    low, high = getattr(info, "min_length", None), getattr(info, "max_length", None)
    return not isinstance(value, list | tuple | dict) or (low or 0) <= len(value) <= (high or len(value))


def _fits(part: _Part) -> bool:
    try:
        msgspec.convert(part.value, part.kind)
    except msgspec.ValidationError:
        return False
    return True


def _rule(kind: Any) -> str:
    """Returns the rule of a type, as the end of a sentence "… must be …"."""
    text = described(kind)
    if text is not None:
        return text
    members = union_of(kind)
    rules = [
        described(member) or _plain_rule(member)
        for member in members
        if member not in (type(None), msgspec.UnsetType)
    ]
    if type(None) in members:
        rules.append("null")
    return " or ".join(rules)


def _plain_rule(kind: Any) -> str:
    info, core = msgspec.inspect.type_info(kind), bare(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if get_origin(core) is Literal:
        return _choices(get_args(core))
    if isinstance(info, msgspec.inspect.IntType):
        return "a whole number" + _bounds(info)
    if isinstance(info, msgspec.inspect.FloatType):
        return "a number" + _bounds(info)
    if isinstance(info, msgspec.inspect.StrType):
        return "a text" + _length(info, " characters")
    if isinstance(info, msgspec.inspect.BoolType):
        return "true or false"
    if is_object(core):
        names = [member.name for member in members_of(core) if member.required]
        return "an object" + (f" with {_listed(names)}" if names else "")
    if isinstance(info, msgspec.inspect.DictType):
        return "an object" + _length(info, " members")
    if isinstance(info, msgspec.inspect.TupleType):
        return f"a list of {len(info.item_types)}"
    return "a list" + _length(info, " items")


def _choices(values: tuple[Any, ...]) -> str:
    texts = [str(value) for value in values]
    return repr(values[0]) if len(texts) == 1 else f"one of: {', '.join(texts)}"


def _bounds(info: Any) -> str:
    low, high = (f"{end:g}" if isinstance(end, float) else str(end) for end in (info.ge, info.le))
    if info.ge is None or info.le is None:
        return "" if info.ge is None else f" of at least {low}"
    return f" in {low}..{high}"


def _length(info: Any, unit: str) -> str:
    low, high = info.min_length, info.max_length
    if high is None:
        return f" of at least {low}{unit}" if low else ""
    return f" of {low} to {high}{unit}" if low else f" of at most {high}{unit}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
