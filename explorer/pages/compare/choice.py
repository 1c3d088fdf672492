"""Which models can be compared (those of one data set), and suggested series of models."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import chain, count

from explorer.catalogue import families
from explorer.catalogue.data_titles import data_title, pictures_key
from explorer.scene.comparison import MODELS
from models import FAMILIES as FAMILY_CLASSES
from models.card import Card, Entry

__all__ = ["Series", "by_data", "first_choice", "kind", "ladders", "latent", "ready_series"]

# Pairs of families to compare, with latents of similar size.
PAIRS = (
    ("vae", "ae"),
    ("vae", "dae"),
    ("ae", "pca"),
    ("linear-ae", "pca"),
    ("ae", "dae"),
    ("ae", "contractive-ae"),
    ("sparse-ae", "k-sparse-ae"),
    ("vae", "iwae"),
    ("vae", "beta-vae"),
    ("beta-vae", "capacity-vae"),
)
FAMILIES = {
    "Autoencoders without a prior": ("ae", "dae", "sparse-ae", "k-sparse-ae", "contractive-ae", "linear-ae"),
    "Variational autoencoders": ("vae", "iwae", "beta-vae", "capacity-vae"),
}


@dataclass(frozen=True)
class Series:
    """A suggested selection of models."""

    title: str
    names: tuple[str, ...]


def by_data(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The usable checkpoints of each data set that has at least two, by title, most models first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.card and families.spec_of(entry.card).encodes:  # the others follow by their encoders
            groups.setdefault(pictures_key(entry.card), []).append(entry)
    titled: dict[str, list[Entry]] = {}
    for members in sorted(groups.values(), key=len, reverse=True):
        if len(members) >= MODELS[0] and members[0].card:
            title = _unique_title(data_title(members[0].card.data), members[0].card, titled)
            titled[title] = sorted(members, key=_order)
    return titled


def _unique_title(title: str, card: Card, used: Container[str]) -> str:
    """A title that no other group has: with the image size if needed, then with a number."""
    _, height, width = card.config.get("image_shape", (0, 0, 0))
    sized = f"{title}, {width}×{height}"
    numbered = (f"{sized} ({number})" for number in count(2))
    return next(each for each in chain([title, sized], numbered) if each not in used)


def _order(entry: Entry) -> tuple[int, int, str]:
    """Sort key: family in the order of `FAMILIES`, then latent size."""
    kinds = list(FAMILY_CLASSES)
    model = entry.card.model if entry.card else ""
    return (kinds.index(model) if model in kinds else len(kinds), latent(entry.card), entry.name)


def kind(card: Card | None) -> str:
    """Title of the model's family; "" without a card."""
    return families.title(card.model) if card else ""


def latent(card: Card | None) -> int:
    """Latent dimensions; 0 without a card."""
    return families.spec_of(card).size if card else 0


def ladders(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Models of one family with latents of different sizes, smallest first; one per size, at least two."""
    kinds: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        if entry.card and latent(entry.card):
            kinds.setdefault(entry.card.model, {}).setdefault(latent(entry.card), entry)
    return [[sizes[size] for size in sorted(sizes)] for sizes in kinds.values() if len(sizes) >= MODELS[0]]


def ready_series(title: str, entries: Sequence[Entry]) -> list[Series]:
    """The suggested series of the checkpoints of one data set.

    Arguments:
        title: Title of the data set.
        entries: Its usable checkpoints.
    """
    limit = MODELS[1]
    suggested = []
    for ladder in ladders(entries):
        steps = ladder[:limit]
        sizes = [str(latent(entry.card)) for entry in steps]
        suggested.append(Series(f"{kind(steps[0].card)} with {_listed(sizes)} dimensions", _names(steps)))
    for one, other in PAIRS:
        pair = _nearest_pair(_of(entries, one), _of(entries, other))
        if pair:
            suggested.append(Series(f"{kind(pair[0].card)} and {kind(pair[1].card)}", _names(pair)))
    for family, kinds in FAMILIES.items():
        members = [_of(entries, model)[-1] for model in kinds if _of(entries, model)][:limit]
        if len(members) > MODELS[0]:
            suggested.append(Series(family, _names(members)))
    if MODELS[0] <= len(entries) <= limit:
        suggested.append(Series(f"All models on {title}", _names(entries)))
    elif len(one_each := _one_each(entries)) >= MODELS[0]:
        suggested.append(Series(f"One of each family on {title}", _names(one_each[:limit])))
    unique = {series.names: series for series in reversed(suggested)}
    return [series for series in suggested if unique[series.names] is series]


def first_choice(groups: dict[str, list[Entry]], include: str = "") -> tuple[str, ...]:
    """The default models: the first series of the largest group, at most four.

    Arguments:
        groups: The checkpoints that can be compared, by data set.
        include: A checkpoint to include; then the first series that has it, if any.
    """
    for title, entries in groups.items():
        if include in _names(entries):
            ready = [series.names for series in ready_series(title, entries) if include in series.names]
            others = [name for name in (ready[0] if ready else _names(entries)) if name != include]
            return (include, *others[:3])
    for title, entries in groups.items():
        return next((s.names[:4] for s in ready_series(title, entries)), _names(entries[:4]))
    return ()


def _of(entries: Sequence[Entry], model: str) -> list[Entry]:
    return [entry for entry in entries if entry.card and entry.card.model == model]


def _one_each(entries: Sequence[Entry]) -> list[Entry]:
    """The largest latent of each family."""
    return list({entry.card.model: entry for entry in entries if entry.card}.values())


def _nearest_pair(ones: list[Entry], others: list[Entry]) -> tuple[Entry, Entry] | None:
    """The pair with the most similar latent sizes, preferring large ones."""
    pairs = [(one, other) for one in ones for other in others]
    return min(
        pairs,
        key=lambda pair: (abs(latent(pair[0].card) - latent(pair[1].card)), -latent(pair[0].card)),
        default=None,
    )


def _names(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(entry.name for entry in entries)


def _listed(items: list[str]) -> str:
    """A list as text: "2", "2 and 5", "2, 5 and 10"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
