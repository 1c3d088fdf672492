"""Checks what comes from outside against types that are declared once, and names in one sentence what breaks a rule.

A schema is a `msgspec.Struct`, a dataclass, or any type that msgspec converts to. A field's rule is derived from its type, or stated
by `Meta(description=...)` where a type alone does not say it ("the name of a checkpoint").
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
NAME_SHOWN = 80  # of a name inside a path


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
    """Converts a value to a type; nothing is coerced but a whole number to a float.

    Arguments:
        value: Untrusted, of the types that JSON has.
        kind: A Struct or another type that msgspec knows, with its limits.
        what: What the value is, as the message names it, such as "An edit".
        path: Where the value is inside a larger one that has this name, such as "edit.A".

    Raises:
        ValueError: For the first part that breaks a rule: its path, the rule, and the value.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        problem = _problem(_Part(value, kind, path), what)
    raise ValueError(problem)


def check(instance: Any, path: str = "") -> None:
    """Checks the members of a Struct or a dataclass that was made by a call, which checks nothing.

    Raises:
        ValueError: For the first part that breaks a rule, as `read`.
    """
    for member in members_of(type(instance)):
        read(getattr(instance, member.name), member.kind, "", f"{path}{member.name}")


def broken(name: str, rule: str, value: object) -> ValueError:
    """The error for a value that breaks a rule, such as `x` and "a number in 0..1"."""
    return ValueError(f"`{name}` must be {rule}. Got {shown(value)}.")


def whole(value: object, name: str, low: int, high: int) -> int:
    """Checks a whole number whose limits are known only when it is read.

    Raises:
        ValueError: If it is none, or outside the limits.
    """
    if type(value) is not int or not low <= value <= high:
        raise broken(name, f"a whole number in {low}..{high}", value)
    return value


def choice(value: object, name: str, choices: Sequence[T]) -> T:
    """Checks a value whose choices are known only when it is read.

    Raises:
        ValueError: If it is none of them.
    """
    for known in choices:
        if type(value) is type(known) and value == known:
            return known
    rule = f"one of: {', '.join(map(str, choices))}" if choices else "left out: there is nothing to choose"
    raise broken(name, rule, value)


def shown(value: object) -> str:
    """A value as an error message quotes it: shortened, and a list or an object without what is in it."""
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
    """The members of a Struct or of a dataclass."""
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
    """A type without its annotations."""
    return bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def described(kind: Any) -> str | None:
    """The description that a type's annotation gives, if any."""
    if get_origin(kind) is not Annotated:
        return None
    inner, *metas = get_args(kind)
    for meta in reversed(metas):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    return described(inner)


def union_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the type alone."""
    inner = bare(kind)
    return get_args(inner) if get_origin(inner) in (Union, UnionType) else (kind,)


def _problem(part: _Part, what: str) -> str:
    """The sentence for a part that does not fit its type: about the innermost part that breaks a rule."""
    said = f"`{part.path}`" if part.path else what
    for kind in union_of(part.kind):
        if is_object(bare(kind)) and isinstance(part.value, dict):
            return _object_problem(part, bare(kind), said, what)
        if not _has_length(part.value, kind):
            break
        for inner in _parts(part, bare(kind)):
            if not _fits(inner):
                return _problem(inner, what)
        if get_origin(bare(kind)) is dict and isinstance(part.value, dict):
            name_kind = get_args(bare(kind))[0]
            for name in part.value:
                if not _fits(_Part(name, name_kind, "")):
                    return f"Each name in {said} must be {_rule(name_kind)}. Got {shown(name)}."
    return f"{said} must be {_rule(part.kind)}. Got {shown(part.value)}."


def _object_problem(part: _Part, kind: type[Any], said: str, what: str) -> str:
    """The sentence for an object with a missing, an unknown or an invalid member, or with members that disagree."""
    given: dict[str, object] = part.value  # type: ignore[assignment]
    members = members_of(kind)
    for member in members:
        if member.required and member.name not in given:
            return f"{said} must have `{member.name}`. Got none."
    names = [member.name for member in members]
    if issubclass(kind, Struct) and kind.__struct_config__.forbid_unknown_fields:
        unknown = given.keys() - {*names, kind.__struct_config__.tag_field}
        for name in [name for name in given if name in unknown][:1]:
            return f"{said} may only have {', '.join(names)}. Got {shown(name)}."
    for inner in _parts(part, kind):
        if not _fits(inner):
            return _problem(inner, what)
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return f"{said} is not valid."


def _parts(part: _Part, kind: Any) -> Iterator[_Part]:
    """The members of an object, or the items of a list, with their types."""
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
        alike = len(arguments) == 1 or arguments[-1] is Ellipsis
        kinds: Iterable[Any] = [arguments[0]] * len(value) if alike else arguments
        if alike or len(value) == len(arguments):
            for place, (inner, inner_kind) in enumerate(zip(value, kinds, strict=True)):
                yield _Part(inner, inner_kind, f"{part.path}[{place}]")


def _has_length(value: object, kind: Any) -> bool:
    """Whether a list or an object has as many items or members as its type allows."""
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
    """What a type demands, as it follows "must be"."""
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
