#!/usr/bin/env python3
"""Writes TypeScript from the Python declarations of the live messages: types of all, readers of the answers.

    python tools/message_types.py

With `--check` nothing is written; the exit status is 1 if a committed file differs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "explorer" / "components" / "frontend" / "src"
TARGET = SOURCES / "messages.gen.ts"
READERS = SOURCES / "readers.gen.ts"
sys.path.insert(0, str(ROOT))

from msgspec import Meta, UnsetType  # noqa: E402

from explorer import fields  # noqa: E402
from explorer.live import anatomy, codes, compare, messages, time_page  # noqa: E402
from models.system import schema  # noqa: E402

WIDTH = 100  # columns, as the front end is formatted

# Constants of both sides.
LIMITS: dict[str, float] = {
    "PROTOCOL": fields.PROTOCOL,
    "MAX_PLACE": fields.POSITION_LIMIT,
    "MAX_SLIDER": fields.SLIDER_LIMIT,
    "MAX_SLIDERS": fields.SLIDERS_AT_MOST,
    "MIN_FRAMES": fields.FRAMES[0],
    "MAX_FRAMES": fields.FRAMES[1],
    "MAX_ITEMS": messages.ITEMS_AT_MOST,
    "MAX_SHARED_ITEMS": compare.ITEMS_AT_MOST,
    "MAX_DRIVES": fields.DRIVES_AT_MOST,
    "MIN_CORNERS": fields.CORNERS[0],
    "MAX_CORNERS": fields.CORNERS[1],
    "MAX_TURN": fields.TURN_LIMIT,
    "MAX_TURNS": fields.TURNS_AT_MOST,
    "MAX_SEED": fields.SEED_LIMIT,
    "MAX_SAMPLES": time_page.SAMPLES_AT_MOST,
    "MAX_STEPS": time_page.STEPS_AT_MOST,
}

# Choices, by the name of their type and of the list of them.
CHOICES: dict[tuple[str, str], Any] = {
    ("HandleName", "HANDLE_NAMES"): fields.HandleName,
    ("PathKind", "PATHS"): fields.PathKind,
    ("Residual", "RESIDUALS"): fields.Residual,
    ("Want", "WANTS"): messages.Picture,
    ("ItemSource", "ITEM_SOURCES"): messages.ItemSource,
    ("PictureSource", "PICTURE_SOURCES"): messages.PictureSource,
    ("OriginalsState", "ORIGINALS_STATES"): messages.OriginalsState,
    ("ErrorCode", "ERROR_CODES"): messages.Code,
    ("AnatomyWant", "ANATOMY_WANTS"): anatomy.Want,
    ("CodesWant", "CODES_WANTS"): codes.Want,
    ("SequenceWant", "SEQUENCE_WANTS"): time_page.Want,
    ("GroupName", "GROUP_NAMES"): time_page.GroupName,
}

# Members of answers that the front end does not read: `protocol` is checked before, `ms` is for measurements.
UNREAD = {"protocol", "ms"}
# Readers of types that are more than their parts, in core/readers.ts.
OWN_READERS: dict[str, Any] = {"shape": messages.Shape, "percentile": messages.Percentile}

# What core/readers.ts has, in the order of imports.
COMBINATORS = (
    *("boolean", "choice", "finite", "listOf", "mapOf", "nullable", "pairOf", "partialOf", "percentile"),
    *("record", "shape", "string", "whole"),
)

# Tuples of fixed length, with the names of their members.
TUPLES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "Shape": (messages.Shape, ("channels", "height", "width")),
    "Point": (messages.Point, ("x", "y")),
}

STRUCTS: tuple[type[Any], ...] = (
    *(messages.Handle, messages.Strip, *get_args(messages.Message)),
    *(messages.Opened, messages.Failure, messages.Pong, messages.Originals),
    *(messages.GaugeReading, messages.FrameHeader, messages.ItemsHeader),
    *(anatomy.Turn, anatomy.Along, anatomy.BoundTerms, anatomy.AnatomyHeader),
    *(codes.Painted, codes.CodesHeader),
    *(compare.Column, compare.Move, compare.Together, compare.Moved, compare.SharedItems),
    *(compare.OpenedColumn, compare.OpenedTogether, compare.ColumnReading),
    *(compare.ComparedHeader, compare.SharedItemsHeader),
    *(
        time_page.OpenSequences,
        time_page.Ask,
        time_page.OpenedSequences,
        time_page.Disagreement,
        time_page.SequenceHeader,
    ),
)

HEAD = """\
// The live messages as explorer/live declares them. Written by tools/message_types.py; change the declarations instead.
"""


READERS_HEAD = """\
// Readers of the answers that explorer/live declares. Written by tools/message_types.py; change the declarations instead.
"""


def source() -> str:
    """Returns the TypeScript source of the types."""
    parts = [HEAD]
    parts.append("".join(f"export const {name} = {int(value)};\n" for name, value in LIMITS.items()))
    for (name, constant), choice in CHOICES.items():
        parts.append(
            _fitted(f"export const {constant} = [", map(_quoted, get_args(choice)), "] as const;")
            + f"export type {name} = (typeof {constant})[number];\n"
        )
    for name, (kind, members) in TUPLES.items():
        inner = ", ".join(f"{m}: {_type(k)}" for m, k in zip(members, get_args(kind), strict=True))
        parts.append(f"export type {name} = readonly [{inner}];\n")
    parts += map(interface, STRUCTS)
    return "\n".join(parts)


def interface(struct: type[Any]) -> str:
    """Returns the interface of a Struct; a member with a default is optional for the sender."""
    lines = [f"/** {_sentence(struct)} */", f"export interface {struct.__name__} {{"]
    config = struct.__struct_config__
    if config.tag is not None:
        lines.append(f"  {config.tag_field}: {_quoted(config.tag)};")
    for member in schema.members_of(struct):
        if comment := _comment(member.kind):
            lines.append(f"  /** {comment} */")
        optional = "" if member.required else "?"
        lines.append(f"  {member.name}{optional}: {_type(member.kind)};")
    return "\n".join([*lines, "}", ""])


def _comment(kind: Any) -> str | None:
    """Returns the comment of a field: the title of its type, else its rule as a sentence."""
    if get_origin(kind) is Annotated:
        titles = [meta.title for meta in get_args(kind)[1:] if isinstance(meta, Meta) and meta.title]
        if titles:
            return titles[-1]
    rule = schema.described(kind)
    if rule is None or get_origin(schema.bare(kind)) is Literal:
        return None
    return f"{rule[0].upper()}{rule[1:]}."


def _sentence(struct: type[Any]) -> str:
    """Returns the docstring of a Struct in the terms of JavaScript."""
    return str(struct.__doc__).replace("None", "null")


def _type(kind: Any) -> str:
    """Converts a Python type to TypeScript."""
    kind = schema.bare(kind)
    members = [member for member in schema.union_of(kind) if member is not UnsetType]
    if len(members) > 1 or members[0] is not kind:
        return " | ".join(map(_type, members))
    for (name, _), choice in CHOICES.items():
        if kind == choice:
            return name
    for name, (known, _) in TUPLES.items():
        if kind == known:
            return name
    if schema.is_object(kind):
        return str(kind.__name__)
    if get_origin(kind) is not None:
        return _generic(kind)
    return {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null"}[kind]


def _generic(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " | ".join(_quoted(value) if isinstance(value, str) else str(value) for value in arguments)
    if origin is dict:
        names = _type(arguments[0])
        record = f"Record<{names}, {_type(arguments[1])}>"
        return record if names == "string" else f"Partial<{record}>"
    if origin is list or arguments[-1] is Ellipsis:
        item = _type(arguments[0])
        return f"({item})[]" if " | " in item else f"{item}[]"
    return f"readonly [{', '.join(map(_type, arguments))}]"


def readers_source() -> str:
    """Returns the TypeScript source of the readers of answers."""
    structs = [struct for struct in STRUCTS if issubclass(struct, messages.Answer)]
    body = "\n".join(map(reader, structs))
    constants = [
        constant
        for _, constant in CHOICES
        if f"choice({constant})" in body or f"partialOf({constant}," in body
    ]
    used = [name for name in COMBINATORS if re.search(rf"\b{name}\b", body)]
    return "\n".join(
        [
            READERS_HEAD
            + _imports(used, "./core/readers")
            + 'import type * as gen from "./messages.gen";\n'
            + _imports(sorted(constants), "./messages.gen"),
            body,
        ]
    )


def reader(struct: type[Any]) -> str:
    """Returns the reader of an answer; members that are unread, or not always sent, are left out."""
    members = schema.members_of(struct)
    left_out = [m.name for m in members if m.name in UNREAD or not m.required]
    of = f"gen.{struct.__name__}"
    if left_out:
        of = f"Omit<{of}, {' | '.join(map(_quoted, left_out))}>"
    lines = [f"export const read{struct.__name__} = record<{of}>({{"]
    config = struct.__struct_config__
    if config.tag is not None:
        lines.append(f"  {config.tag_field}: () => {_quoted(config.tag)},")
    for member in members:
        if member.name not in left_out:
            read = _reader(member.kind)
            lines.append(f"  {member.name}," if read == member.name else f"  {member.name}: {read},")
    return "\n".join([*lines, "});", ""])


def _reader(kind: Any) -> str:
    """Converts a Python type to the expression of its reader."""
    for name, known in OWN_READERS.items():
        if kind == known:
            return name
    kind = schema.bare(kind)
    members = schema.union_of(kind)
    if type(None) in members:
        (member,) = (each for each in members if each is not type(None))
        return f"nullable({_reader(member)})"
    for (_, constant), choice in CHOICES.items():
        if kind == choice:
            return f"choice({constant})"
    if schema.is_object(kind):
        return f"read{kind.__name__}"
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is dict:
        item = _reader(arguments[1])
        keys = _reader(arguments[0])
        return f"mapOf({item})" if keys == "string" else f"partialOf({keys[7:-1]}, {item})"
    if origin is list or (origin is tuple and arguments[-1] is Ellipsis):
        return f"listOf({_reader(arguments[0])})"
    if origin is tuple and len(arguments) == 2:
        return f"pairOf({', '.join(map(_reader, arguments))})"
    return {int: "whole", float: "finite", str: "string", bool: "boolean"}[kind]


def _imports(names: list[str], module: str) -> str:
    lines = _fitted("import {", map(str, names), f'}} from "{module}";')
    return lines if "\n  " in lines else f'import {{ {", ".join(names)} }} from "{module}";\n'


def _quoted(text: str) -> str:
    return f'"{text}"'


def _fitted(start: str, items: Iterator[str], end: str) -> str:
    """Formats a list on one line, or with one item per line if it is too long, like the formatter."""
    parts = list(items)
    line = start + ", ".join(parts) + end
    return (
        f"{line}\n" if len(line) <= WIDTH else "\n".join([start, *(f"  {part}," for part in parts), end, ""])
    )


def main() -> int:
    """Writes or checks the files."""
    texts = {TARGET: source(), READERS: readers_source()}
    if "--check" in sys.argv[1:]:
        return int(any(not path.is_file() or path.read_text("utf-8") != text for path, text in texts.items()))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
