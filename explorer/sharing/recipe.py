"""Recipes: checkpoint, map, edit, and all vectors that another machine lacks, as JSON and as Python.

    {"format": "latent-explorer recipe", "version": 1,
     "checkpoint": {"name": "faces-vae", "weights_sha256": "…"}, "view": "umap", "colour": "smile",
     "edit": {"A": {"item": 12, "x": 1.25, "y": -3.5, "sliders": {"smile": 0.5}}, "B": …, "path": "straight", …},
     "directions": {"own-smile": {"title": "My smile", "made": "…", "vector": "…"}},
     "own": {"1073741824": {"title": "Me", "z": "…"}},
     "vectors": {"A": "…", "B": "…"}, "link": "?model=faces-vae&…"}

Vectors are base64 of little-endian float32. `directions` and `own` hold the parts of the workspace that the
edit uses; attributes and items come with the checkpoint. `vectors` are the resulting latents of A and B: the
edit takes precedence, and they replace it only if the map was fitted on another machine. `link` is
informative and not read.
"""

from __future__ import annotations

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import UNSET, Meta, UnsetType, field
from numpy.typing import NDArray

from explorer.fields import (
    FIRST_OWN,
    OWN_SLUG,
    Item,
    LevelNumber,
    ModelName,
    Note,
    OwnSlug,
    PathKind,
    Position,
    Residual,
    Schema,
    Sha256,
    Sliders,
    Slug,
    Title,
    ViewId,
)
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.handles import Places, level_of, place_handles, walk_codes
from explorer.scene.loaded import Loaded
from explorer.scene.view import UnknownView, View
from explorer.scene.views import FITTED, resolve
from explorer.workspace.stage_edit import (
    Edit,
    Handle,
    StripFrames,
    Target,
    edit_from_json,
    edit_from_query,
    link,
    settled,
)
from explorer.workspace.storage import OwnPicture, direction_of
from models.system.json_input import read_json
from models.system.schema import broken, read

__all__ = [
    "FRAMES",
    "Recipe",
    "Shown",
    "follow",
    "follow_link",
    "from_json",
    "recipe_of",
    "stand",
    "to_json",
    "to_python",
]

FORMAT, VERSION = "latent-explorer recipe", 1
BYTES_AT_MOST = 1 << 24
OwnNumber = Annotated[str, Meta(pattern=r"\A[0-9]{10}\Z", description="the number of an upload")]
FRAMES = 9  # in a strip if none is shown
ALMOST = 1e-4  # relative tolerance for results of different machines
START = Edit(Handle(0, 0.0, 0.0), Handle(0, 0.0, 0.0))
LINE = 96  # characters of base64 per line of Python


class _Checkpoint(Schema, frozen=True):
    name: ModelName
    weights_sha256: Sha256


class _HandleFile(Schema, frozen=True):
    item: Item
    x: Position
    y: Position
    sliders: Sliders


class _EditFile(Schema, frozen=True):
    A: _HandleFile
    B: _HandleFile
    target: Target
    path: PathKind
    frames: StripFrames
    residual: Residual
    level: LevelNumber


class _DirectionFile(Schema, frozen=True):
    title: Title
    vector: str
    made: Note = ""


class _OwnFile(Schema, frozen=True):
    title: Title
    z: str


class _Vectors(Schema, frozen=True):
    A: str | UnsetType = UNSET
    B: str | UnsetType = UNSET


class _File(Schema, frozen=True):
    """The JSON form of a recipe."""

    format: Literal["latent-explorer recipe"]
    version: Annotated[Literal[1], Meta(description="1; a newer program may read others")]
    checkpoint: _Checkpoint
    view: ViewId
    edit: _EditFile
    colour: Annotated[Slug, Meta(description="an attribute")] | None = None
    directions: dict[OwnSlug, _DirectionFile] = field(default_factory=dict)
    own: dict[OwnNumber, _OwnFile] = field(default_factory=dict)
    vectors: _Vectors = _Vectors()
    link: Any = None  # not read


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything needed to reproduce the pictures on a stage."""

    checkpoint: str
    weights_sha256: str
    view: str
    edit: Edit
    colour: str | None = None  # colours the points; pictures do not depend on it
    directions: Mapping[str, Direction] | None = None  # saved ones that the edit or the view uses
    own: Mapping[int, tuple[str, NDArray[np.float32]]] | None = None  # uploads: title and latent (D,)
    vectors: NDArray[np.float32] | None = None  # resulting latents of A and B, (2, D)
    link: str = ""  # restores the stage on the page; informative only


class Shown(NamedTuple):
    """The contents of a stage."""

    loaded: Loaded
    view: View | None  # None if the map is not on this machine
    edit: Edit
    ends: NDArray[np.float32]  # latents of A and B, (2, D)
    colour: str | None = None  # attribute that colours the points
    notes: tuple[str, ...] = ()  # messages for the user

    def walk(self, count: int) -> NDArray[np.float32]:
        """Latents of the walk from A to B, shape (count, D)."""
        return walk_codes(self.loaded, self.ends[0], self.ends[1], self.edit.path, count, self.edit.level)


def stand(loaded: Loaded, view: View, edit: Edit, colour: str | None = None) -> Shown:
    """Evaluates an edit on a map.

    Raises:
        ValueError: If it names something the model does not have.
    """
    ends = place_handles(loaded, view, [edit.A, edit.B], edit.residual, edit.level)
    return Shown(loaded, view, edit, ends, colour)


def recipe_of(loaded: Loaded, view: View, edit: Edit, colour: str | None = None) -> Recipe:
    """The recipe of a stage, including the vectors it uses from the workspace."""
    card = loaded.entry.card
    named = _named(edit, view.id)
    return Recipe(
        loaded.name,
        card.weights_sha256 if card else "",
        view.id,
        edit,
        colour,
        {slug: d for slug, d in loaded.directions.items() if d.kind == "own" and slug in named},
        {item: (loaded.own[item].title, loaded.own[item].z) for item in _own_items(edit)},
        stand(loaded, view, edit).ends,
        link(loaded.name, view.id, colour, edit, loaded.token_of),
    )


# JSON


def to_json(recipe: Recipe) -> str:
    """The recipe as indented JSON."""
    values = {
        "format": FORMAT,
        "version": VERSION,
        "checkpoint": {"name": recipe.checkpoint, "weights_sha256": recipe.weights_sha256},
        "view": recipe.view,
        "colour": recipe.colour,
        "edit": recipe.edit.as_json(),
        "directions": {slug: _direction_json(d) for slug, d in (recipe.directions or {}).items()},
        "own": {str(i): {"title": title, "z": _packed(z)} for i, (title, z) in (recipe.own or {}).items()},
        "vectors": {}
        if recipe.vectors is None
        else dict(zip("AB", map(_packed, recipe.vectors), strict=True)),
        "link": recipe.link or link(recipe.checkpoint, recipe.view, recipe.colour, recipe.edit),
    }
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(data: bytes | str) -> Recipe:
    """Reads a recipe; `follow` checks whether it fits a checkpoint.

    Raises:
        ValueError: For the first invalid field, by name.
    """
    file = read(read_json(data, "A recipe", BYTES_AT_MOST), _File, "The recipe")
    for item in file.own:
        if not FIRST_OWN <= int(item) < 2 * FIRST_OWN:
            raise ValueError(f"`own` must have numbers from {FIRST_OWN} as keys. Got {item}.")
    own = {int(item): (about.title, _vector(about.z, f"own.{item}.z")) for item, about in file.own.items()}
    recipe = Recipe(
        file.checkpoint.name,
        file.checkpoint.weights_sha256,
        file.view,
        _edit(file.edit, own),
        file.colour,
        {slug: _direction(slug, about) for slug, about in file.directions.items()},
        own,
        _ends(file.vectors),
    )
    for slug in _named(recipe.edit, recipe.view):
        if OWN_SLUG.fullmatch(slug) and slug not in file.directions:
            raise ValueError(
                f"`directions` must contain {slug}, which the recipe uses. Save the recipe again."
            )
    return recipe


def _edit(file: _EditFile, own: Mapping[int, object]) -> Edit:
    for name, handle in (("A", file.A), ("B", file.B)):
        if handle.item >= FIRST_OWN and handle.item not in own:
            raise ValueError(
                f"`own` must contain {handle.item}, the picture of `edit.{name}`. Save the recipe again."
            )
    a, b = (Handle(handle.item, handle.x, handle.y, handle.sliders) for handle in (file.A, file.B))
    return Edit(a, b, file.target, file.path, file.frames, file.residual, file.level)


def _direction_json(direction: Direction) -> dict[str, str]:
    return {"title": direction.title, "made": direction.made, "vector": _packed(direction.vector)}


def _direction(slug: str, about: _DirectionFile) -> Direction:
    vector = _vector(about.vector, f"directions.{slug}.vector")
    try:
        return direction_of(vector, {"name": slug, "title": about.title, "made": about.made})
    except ValueError as error:
        raise ValueError(f"In `directions`: {error}") from error


def _ends(vectors: _Vectors) -> NDArray[np.float32] | None:
    if vectors.A is UNSET and vectors.B is UNSET:
        return None
    if vectors.A is UNSET or vectors.B is UNSET:
        raise ValueError("`vectors` must contain both A and B, or neither.")
    ends = [_vector(vectors.A, "vectors.A"), _vector(vectors.B, "vectors.B")]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"`vectors.B` must be as long as `vectors.A`, {len(ends[0])}. Got {len(ends[1])}.")
    return np.stack(ends)


def _packed(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()


def _vector(text: str, name: str) -> NDArray[np.float32]:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise broken(name, "base64 of float32", text) from error
    if not raw or len(raw) % 4:
        raise ValueError(f"`{name}` must contain float32, 4 bytes each. Got {len(raw)} bytes.")
    vector = np.frombuffer(raw, "<f4").astype(np.float32)
    if not np.isfinite(vector).all():
        raise ValueError(f"`{name}` must be finite. Got NaN or infinity.")
    return vector


def _named(edit: Edit, view: str) -> list[str]:
    """Slugs of all directions that an edit or a view uses."""
    plane = view.removeprefix("plane-").split("--") if view.startswith("plane-") else []
    return [*dict.fromkeys([*edit.A.sliders, *edit.B.sliders, *plane])]


def _own_items(edit: Edit) -> list[int]:
    return [item for item in dict.fromkeys((edit.A.item, edit.B.item)) if item >= FIRST_OWN]


# Following


def follow(recipe: Recipe, loaded: Loaded) -> Shown:
    """Evaluates a recipe; nothing is saved.

    Raises:
        ValueError: If it belongs to another checkpoint, or names something the checkpoint does not have.
    """
    card = loaded.entry.card
    weights = card.weights_sha256 if card else ""
    if recipe.checkpoint != loaded.name or recipe.weights_sha256 != weights:
        raise ValueError(
            f"The recipe belongs to {recipe.checkpoint} with the weights {recipe.weights_sha256}; "
            f"this is {loaded.name} with the weights {weights}. Other weights give other pictures: "
            "get the checkpoint that the recipe names."
        )
    lengths = {f"directions.{slug}.vector": d.vector for slug, d in (recipe.directions or {}).items()}
    lengths |= {f"own.{item}.z": z for item, (_, z) in (recipe.own or {}).items()}
    lengths |= {} if recipe.vectors is None else {"vectors.A": recipe.vectors[0]}
    for name, vector in lengths.items():
        if vector.shape != (loaded.latent,):
            raise ValueError(f"`{name}` must have {loaded.latent} numbers. Got {len(vector)}.")
    scene = _with_workspace(loaded, recipe)
    edit = edit_from_json(
        recipe.edit.as_json(), recipe.edit, scene.count, scene.directions, _levels(scene), scene.own
    )
    try:
        view = resolve(scene, recipe.view)
    except UnknownView:
        if recipe.vectors is None or not FITTED.fullmatch(recipe.view):
            raise
        note = f"The map {recipe.view} was fitted on another machine, so the vectors of the recipe are used."
        return Shown(scene, None, edit, recipe.vectors, recipe.colour, (note,))
    shown = stand(scene, view, edit, recipe.colour)
    if recipe.vectors is None or np.allclose(shown.ends, recipe.vectors, ALMOST, ALMOST):
        return shown
    note = "The edit does not match the vectors of the recipe: it was changed by hand. The edit is used."
    return shown._replace(notes=(note,))


def follow_link(params: Mapping[str, str], loaded: Loaded) -> Shown:
    """Evaluates a link that names its handles and its map.

    Raises:
        ValueError: For the first invalid part.
    """
    for part, example in (("view", "umap"), ("a", "test-12,1.25,-3.5"), ("b", "test-40")):
        if part not in params:
            raise ValueError(f"The link must name `{part}`, such as {part}={example}. Copy it from the page.")
    view = resolve(loaded, params["view"])
    places = Places(loaded, view)
    edit, problems = edit_from_query(params, START, places, loaded.directions, _levels(loaded))
    if problems:
        raise ValueError(f"In the link: {problems[0]}")
    colour = params.get("colour", "none")
    return stand(loaded, view, settled(edit, places), None if colour == "none" else colour)


def _with_workspace(loaded: Loaded, recipe: Recipe) -> Loaded:
    """A copy of the checkpoint's scene with the recipe's directions and uploads in its workspace."""
    if not recipe.directions and not recipe.own:
        return loaded
    own = {}
    for item, (title, z) in (recipe.own or {}).items():
        own[item] = OwnPicture(item, title, loaded.decoder(z[None])[0], z)
    return replace(
        loaded,
        directions={**loaded.directions, **(recipe.directions or {})},
        own={**loaded.own, **own},
        views=OrderedDict(),
        lock=Lock(),
        making=Lock(),
        keeping=Lock(),
    )


def _levels(loaded: Loaded) -> int:
    """Number of levels of the latent that can be moved separately; 0 if there is only one."""
    count = len(loaded.decoder.model.spec.levels)
    return count if count > 1 else 0


# Python


def to_python(shown: Shown) -> str:
    """A Python program that reproduces the pictures with `models` alone.

    Raises:
        ValueError: If the map is not on this machine.
    """
    loaded, view, edit, *_ = shown
    card = loaded.entry.card
    if view is None or card is None:
        raise ValueError("The map of this recipe is not on this machine. Open it where the map was fitted.")
    plain = [replace(handle, sliders={}) for handle in (edit.A, edit.B)]
    places = place_handles(loaded, view, plain, edit.residual, edit.level)
    dimensions = level_of(loaded, edit.level)
    directions = {}
    for slug in sorted(_named(edit, "")):
        vector = np.zeros(loaded.latent, np.float32)
        vector[dimensions] = loaded.directions[slug].vector[dimensions]
        directions[slug] = vector
    parts = {
        "TITLE": " ".join(_plain(card.title).split()),
        "NAME": loaded.name,
        "WEIGHTS": card.weights_sha256,
        "DIRECTIONS": _dictionary({slug: _call(vector, 8) for slug, vector in directions.items()}),
        "PLACE_A": _call(places[0], 4),
        "PLACE_B": _call(places[1], 4),
        "ADDED_A": _added(edit.A),
        "ADDED_B": _added(edit.B),
        "PATH": PATH_CODE[edit.path],
        "WALK": LEVEL_WALK if edit.level else WALK,
        "OWN": f"{dimensions.start}:{dimensions.stop}",
        "COUNT": str(edit.frames or FRAMES),
    }

    def filled(text: str) -> str:
        return re.sub(r"<([A-Z_]+)>", lambda found: filled(parts[found[1]]), text)

    return filled(PROGRAM)


def _plain(text: str) -> str:
    """Makes a title safe inside the program's docstring: it must not end it or look like a placeholder."""
    return re.sub(r'[\\"<>\x00-\x1f\x7f\u0085\u2028\u2029]', " ", text)


def _call(vector: NDArray[np.float32], indent: int) -> str:
    text = _packed(vector)
    lines = [f'"{text[start : start + LINE]}"' for start in range(0, len(text), LINE)]
    edge = "\n" + " " * indent
    return f"vector({edge}{edge.join(lines)}\n{' ' * (indent - 4)})"


def _dictionary(values: Mapping[str, str]) -> str:
    if not values:
        return "{}"
    return "{\n" + "".join(f'    "{key}": {value},\n' for key, value in values.items()) + "}"


def _added(handle: Handle) -> str:
    added = {slug: s for slug, s in sorted(handle.sliders.items()) if s}
    return json.dumps(added)


PATH_CODE = {
    "straight": """\
    u, v, t = a.astype(np.float64), b.astype(np.float64), np.linspace(0, 1, count)[:, None]
    return ((1 - t) * u + t * v).astype(np.float32)""",
    "great-circle": """\
    u, v, t = a.astype(np.float64), b.astype(np.float64), np.linspace(0, 1, count)[:, None]
    m, n = np.linalg.norm(u), np.linalg.norm(v)
    cosine = np.clip(u @ v / (m * n), -1, 1) if m * n else 1.0
    side = v / n - cosine * (u / m) if m * n else u
    sine = np.linalg.norm(side)
    if sine < 1e-7:  # parallel: the path is the straight line
        return ((1 - t) * u + t * v).astype(np.float32)
    angle = t * np.arctan2(sine, cosine)
    z = ((1 - t) * m + t * n) * (np.cos(angle) * (u / m) + np.sin(angle) * (side / sine))
    return np.concatenate([a[None], z[1:-1].astype(np.float32), b[None]])""",
}

WALK = "z = walk(a, b, <COUNT>)"
LEVEL_WALK = """\
z = np.stack([a] * <COUNT>)  # only one level of the latent changes to b
z[:, <OWN>] = walk(a[<OWN>], b[<OWN>], <COUNT>)"""

PROGRAM = '''\
"""Pictures A and B of the checkpoint "<TITLE>", and the walk between them. Run it in Latent Explorer's folder."""

import base64

import numpy as np
import torch
from PIL import Image

from models import load
from models.checkpoint import read

CHECKPOINT = "<NAME>"
WEIGHTS = "<WEIGHTS>"


def vector(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


# Adding s times one of these to a latent changes it by s.
DIRECTIONS = <DIRECTIONS>


def moved(z, added):
    """The latent z plus s times each direction of `added`."""
    steps = np.array(list(added.values()), np.float32)
    return z + steps @ np.stack([DIRECTIONS[name] for name in added]) if added else z


def walk(a, b, count):
    """Latents from a to b, including both."""
<PATH>


# Latents of the handles on the map, and the sliders added to them.
PLACE_A = <PLACE_A>
PLACE_B = <PLACE_B>
a = moved(PLACE_A, <ADDED_A>)
b = moved(PLACE_B, <ADDED_B>)
<WALK>

if read(CHECKPOINT).card.weights_sha256 != WEIGHTS:
    raise SystemExit(f"{CHECKPOINT} has other weights than those of the recipe, {WEIGHTS}.")
model = load(CHECKPOINT)


@torch.inference_mode()
def pictures(latents):
    """Decodes latents (M, D) to pictures, uint8 (M, H, W, C)."""
    x = model.decode(torch.from_numpy(np.ascontiguousarray(latents)).reshape(-1, *model.spec.shape))
    return (255 * x).nan_to_num(0).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def save(picture, path):
    Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(path)


if __name__ == "__main__":
    for name, picture in zip(("a", "b"), pictures(np.stack([a, b]))):
        save(picture, f"{name}.png")
    save(np.concatenate(pictures(z), axis=1), "strip.png")
'''
