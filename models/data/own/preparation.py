"""The preparation of images as a data set: size, fit, labels and splits; the options of "own-images"."""

from __future__ import annotations

__all__ = ["FITS", "SIZES", "Preparation"]

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from models.data.own.records import KINDS
from models.data.own.trees import is_inside

FITS = ("crop", "pad", "stretch")
CHANNELS = (0, 1, 3, 4)
SIZES = (8, 256)  # px, the smallest and the largest
SEED_AT_MOST = 2**31 - 1
PATH_LENGTH = 4000  # characters
COLUMNS_AT_MOST = 1000
MEMBERS_AT_MOST = 1000  # files and folders
TYPES = {
    "path": str,
    "labels": str,
    "size": int,
    "height": int,
    "width": int,
    "fit": str,
    "background": str,
    "channels": int,
    "kinds": dict,
    "validation": float,
    "test": float,
    "group": str,
    "seed": int,
    "members": tuple,
}
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Preparation:
    """Settings that determine the pixels, labels and splits of a data set of images of the user.

    Raises:
        ValueError: If a field is invalid.
    """

    path: str  # of the folder or file, absolute
    labels: str = ""  # absolute path of a table of labels; "" for the labels of the source
    size: int = 64  # px, the longer side; the shorter one too, unless all pictures share one aspect ratio
    height: int = 0  # px, exact height for a checkpoint; 0 to derive it from `size`
    width: int = 0  # px, exact width for a checkpoint; 0 to derive it from `size`
    fit: str = "crop"  # one of `FITS`: crop, pad with the background, or change the aspect ratio
    background: str = "#ffffff"  # behind transparent parts, and around a padded picture
    channels: int = 0  # 0: grey if all pictures are grey, else RGB; 1: grey; 3: RGB; 4: RGBA
    kinds: dict[str, str] = field(default_factory=dict)  # kinds of columns by slug, if not the proposed ones
    validation: float = 0.1  # share of the images, if the source has no validation split
    test: float = 0.1  # share of the images, if the source has no test split
    group: str = ""  # slug of a column of groups that are not divided by a split; "" for none
    seed: int = 0  # of the splits and of the order of the images
    members: tuple[str, ...] = ()  # files and folders in `path` to read; () for all

    def __post_init__(self) -> None:
        """Checks every field."""
        if isinstance(self.members, list):  # JSON has no tuples
            object.__setattr__(self, "members", tuple(self.members))
        for name, kind in TYPES.items():
            value = getattr(self, name)
            if kind is float and isinstance(value, int):
                object.__setattr__(self, name, float(value))
            elif not isinstance(value, kind):
                raise ValueError(f"`{name}` must be of type {kind.__name__}. Got {value!r:.80}.")
            if isinstance(value, bool):
                raise ValueError(f"`{name}` must be of type {kind.__name__}. Got {value!r}.")
        for name in ("path", "labels"):
            _check_path(name, getattr(self, name))
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise ValueError(f"`size` must lie in {SIZES[0]}..{SIZES[1]} pixels. Got {self.size}.")
        sides = (self.height, self.width)
        if sides != (0, 0) and not all(SIZES[0] <= side <= SIZES[1] for side in sides):
            raise ValueError(
                f"`height` and `width` must both be 0, or lie in {SIZES[0]}..{SIZES[1]} pixels. Got {sides}."
            )
        if self.fit not in FITS:
            raise ValueError(f"`fit` must be one of: {', '.join(FITS)}. Got {self.fit!r:.80}.")
        if not _COLOUR.fullmatch(self.background):
            raise ValueError(f"`background` must be a colour such as #ffffff. Got {self.background!r:.80}.")
        if self.channels not in CHANNELS:
            raise ValueError(
                f"`channels` must be 0 (as found), 1 (grey), 3 (RGB) or 4 (RGBA). Got {self.channels}."
            )
        self._check_splits()
        self._check_kinds()
        self._check_members()

    def _check_splits(self) -> None:
        for name in ("validation", "test"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ValueError(f"`{name}` must be a share from 0 to 0.5. Got {getattr(self, name)}.")
        if not 0 <= self.seed <= SEED_AT_MOST:
            raise ValueError(f"`seed` must lie in 0..{SEED_AT_MOST}. Got {self.seed}.")
        if self.group and not _SLUG.fullmatch(self.group):
            raise ValueError(f"`group` must be the name of a column. Got {self.group!r:.80}.")

    def _check_kinds(self) -> None:
        if len(self.kinds) > COLUMNS_AT_MOST:
            raise ValueError(f"`kinds` must name at most {COLUMNS_AT_MOST} columns. Got {len(self.kinds)}.")
        for slug, kind in self.kinds.items():
            if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
                raise ValueError(f"`kinds` must name columns. Got {slug!r:.80}.")
            if kind not in KINDS:
                raise ValueError(f"`kinds` of {slug!r} must be one of: {', '.join(KINDS)}. Got {kind!r:.80}.")

    def _check_members(self) -> None:
        if len(self.members) > MEMBERS_AT_MOST:
            raise ValueError(
                f"`members` must name at most {MEMBERS_AT_MOST:,} files and folders. Got {len(self.members):,}. Move "
                "them into one folder, and name that."
            )
        for member in self.members:
            if not isinstance(member, str) or len(member) > PATH_LENGTH or not is_inside(member):
                raise ValueError(f"`members` must be paths inside `path`. Got {member!r:.80}.")
            _check_path("members", member)

    def as_options(self) -> dict[str, Any]:
        """Returns the options of the data set "own-images" for a card."""
        options = asdict(self)
        members = options.pop("members")
        return options | ({"members": list(members)} if members else {})

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Preparation:
        """Reads and checks untrusted options.

        Raises:
            ValueError: If an option is unknown, missing or invalid.
        """
        known = [each.name for each in fields(cls)]
        for name in options:
            if name not in known:
                raise ValueError(
                    f"Unknown option {str(name)[:40]!r}. The data set 'own-images' offers: {', '.join(known)}."
                )
        if "path" not in options:
            raise ValueError(
                "The data set 'own-images' needs the option `path`: the folder or file of the images."
            )
        return cls(**options)


def _check_path(name: str, text: str) -> None:
    if not text and name == "labels":
        return
    if not text.strip() or len(text) > PATH_LENGTH or "\0" in text:
        raise ValueError(f"`{name}` must be the path of a folder or file. Got {text!r:.80}.")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"`{name}` must be valid Unicode. Rename {text!r:.80}.")
