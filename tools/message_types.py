#!/usr/bin/env python3
"""Writes the TypeScript types of the live messages from their Python declarations: `python tools/message_types.py`.

With `--check` nothing is written; the exit status is 1 if the committed file differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "explorer" / "components" / "frontend" / "src" / "messages.gen.ts"
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
    *(time_page.Film, time_page.Ask, time_page.OpenedFilm, time_page.Disagreement, time_page.SequenceHeader),
)

HEAD = """\
// The live messages as explorer/live declares them. Written by tools/message_types.py; change the declarations instead.
"""


def source() -> str:
    """Returns the TypeScript source."""
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
    """Writes or checks the file."""
    text = source()
    if "--check" in sys.argv[1:]:
        return int(not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
