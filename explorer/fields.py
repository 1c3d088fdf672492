"""The fields of messages, addresses and files, with their limits, each declared once.

A description completes the sentence "`field` must be ...", and is the field's comment in the generated TypeScript.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeVar, get_args

from msgspec import Meta, Struct

from explorer.latent.geometry.grids import PLACES_AT_MOST, text_length
from models.card import NAME, TITLE_LENGTH, Sha256

__all__ = [
    "CORNERS",
    "DRIVES_AT_MOST",
    "FIRST_OWN",
    "FRAMES",
    "HANDLE_NAMES",
    "ITEM_LIMIT",
    "LEVELS_AT_MOST",
    "MODELS",
    "MODEL_NAME",
    "NOTE_LENGTH",
    "OWN_SLUG",
    "PATHS",
    "POSITION_LIMIT",
    "PROTOCOL",
    "RESIDUALS",
    "SEED_AT_MOST",
    "SEED_LIMIT",
    "SEQ_LIMIT",
    "SLIDERS_AT_MOST",
    "SLIDER_LIMIT",
    "SLUG",
    "TITLE_LENGTH",
    "TURNS_AT_MOST",
    "TURN_LIMIT",
    "VIEW_ID",
    "VIEW_LENGTH",
    "Codes",
    "Dimension",
    "Eps",
    "Fraction",
    "FrameCount",
    "HandleName",
    "Item",
    "LevelNumber",
    "ModelName",
    "Note",
    "OwnSlug",
    "PathKind",
    "Percentile",
    "Position",
    "Protocol",
    "Residual",
    "Schema",
    "Seed",
    "Seq",
    "Sha256",
    "Sliders",
    "Slug",
    "Title",
    "Turn",
    "ViewId",
    "distinct",
]

T = TypeVar("T")

PROTOCOL: Final = 1  # version of the socket's messages
SEQ_LIMIT = 2**53  # largest integer that JavaScript represents exactly
FIRST_OWN = 1 << 30  # first item number of uploads, far above the rows of any atlas
ITEM_LIMIT = 2 * FIRST_OWN
SEED_LIMIT = 2**31
SEED_AT_MOST = 2**31 - 1  # except for live draws
POSITION_LIMIT = 1e6  # map units
SLIDER_LIMIT = 5.0  # times the difference of the two means
SLIDERS_AT_MOST = 64  # of a handle
TURN_LIMIT = 1e6  # of eps
TURNS_AT_MOST = 64  # dimensions set by hand
LEVELS_AT_MOST = 8  # of a latent
FRAMES = (5, 15)  # of a filmstrip
MODELS = (2, 6)  # side by side
DRIVES_AT_MOST = 8
CORNERS = (3, 32)  # of a selection's polygon
SLUG_LENGTH = 96
NOTE_LENGTH = 2000
VIEW_LENGTH = len("plane-") + 2 * SLUG_LENGTH + len("--")  # the longest id is plane-SLUG--SLUG

MODEL_NAME = NAME
SLUG = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{SLUG_LENGTH - 1}}}")  # of a direction or an attribute
OWN_SLUG = re.compile(r"own-[a-z0-9][a-z0-9-]{0,70}")  # of a saved direction
VIEW_ID = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{VIEW_LENGTH - 1}}}")


class Schema(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=False):
    """A validated object of a message or file; undeclared members are refused."""


def _whole(pattern: re.Pattern[str]) -> str:
    """The pattern anchored at both ends, as msgspec searches for it anywhere."""
    return rf"\A(?:{pattern.pattern})\Z"


Protocol = Annotated[Literal[1], Meta(description=f"{PROTOCOL}; reload the page for the server's version")]
Seq = Annotated[int, Meta(ge=0, le=SEQ_LIMIT)]
ModelName = Annotated[str, Meta(pattern=_whole(MODEL_NAME), description="the name of a checkpoint")]
ViewId = Annotated[
    str, Meta(pattern=_whole(VIEW_ID), description="the id of a view, such as umap or dims-0-1")
]
Slug = Annotated[str, Meta(pattern=_whole(SLUG), description="the name of a direction, such as smile")]

Item = Annotated[int, Meta(ge=0, le=ITEM_LIMIT)]
Position = Annotated[float, Meta(ge=-POSITION_LIMIT, le=POSITION_LIMIT)]
Steps = Annotated[float, Meta(ge=-SLIDER_LIMIT, le=SLIDER_LIMIT)]
Sliders = Annotated[
    dict[Slug, Steps],
    Meta(max_length=SLIDERS_AT_MOST, description=f"an object of at most {SLIDERS_AT_MOST} sliders"),
]
HandleName = Literal["A", "B"]
PathKind = Literal["straight", "great-circle"]
Residual = Literal["hold", "fade"]
FrameCount = Annotated[int, Meta(ge=FRAMES[0], le=FRAMES[1])]
LevelNumber = Annotated[int, Meta(ge=0, le=LEVELS_AT_MOST)]  # counted from 1; 0 for all

Seed = Annotated[int, Meta(ge=0, le=SEED_LIMIT)]
Dimension = Annotated[
    str, Meta(pattern=r"\A(?:0|[1-9][0-9]{0,4})\Z", description="the number of a dimension, such as 3")
]
Eps = Annotated[float, Meta(ge=-TURN_LIMIT, le=TURN_LIMIT)]
Turn = Annotated[
    dict[Dimension, Eps],
    Meta(max_length=TURNS_AT_MOST, description=f"an object of at most {TURNS_AT_MOST} dimensions"),
]

Codes = Annotated[
    str,
    Meta(max_length=text_length(PLACES_AT_MOST), description=f"codes of at most {PLACES_AT_MOST} cells"),
]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]

Percentile = Annotated[float | None, Meta(description="0 to 100, or null if the model has no gauge")]

Title = Annotated[
    str,
    Meta(
        pattern=r"(?s)\A(?=.*\S)[^\ud800-\udfff]*\Z",  # more than spaces, and no unpaired surrogate
        max_length=TITLE_LENGTH,
        description=f"1 to {TITLE_LENGTH} characters of valid Unicode",
    ),
]
Note = Annotated[
    str,
    Meta(
        pattern=r"(?s)\A[^\ud800-\udfff]*\Z",
        max_length=NOTE_LENGTH,
        description=f"0 to {NOTE_LENGTH} characters of valid Unicode",
    ),
]
OwnSlug = Annotated[
    str,
    Meta(pattern=_whole(OWN_SLUG), description="the name of a saved direction, such as own-smile"),
]

HANDLE_NAMES: tuple[HandleName, ...] = get_args(HandleName)
PATHS: tuple[PathKind, ...] = get_args(PathKind)
RESIDUALS: tuple[Residual, ...] = get_args(Residual)


def distinct(values: tuple[T, ...], name: str, order: tuple[T, ...]) -> tuple[T, ...]:
    """The values in the order of `order`.

    Raises:
        ValueError: If one is named twice.
    """
    if len(set(values)) != len(values):
        raise ValueError(f"`{name}` must not repeat a name. Got {', '.join(map(str, values))}.")
    return tuple(value for value in order if value in values)
