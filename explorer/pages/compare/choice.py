"""Which models can stand side by side: those of one data set, and the series that are worth a look."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import chain, count

from explorer.catalogue import families
from explorer.catalogue.data_titles import data_title, pictures_key
from explorer.scene.comparison import MODELS
from models import MODELS as FAMILY_CLASSES
from models.card import Card, Entry

__all__ = ["Series", "by_data", "first_choice", "kind", "ladders", "latent", "ready_series"]

# Pairs that the tutorials set against each other; the sizes of their codes should be near.
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
    """Models that tell something when they stand side by side."""

    title: str
    names: tuple[str, ...]


def by_data(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The usable checkpoints of each data set that has at least two, by its title, most models first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.card:
            groups.setdefault(pictures_key(entry.card), []).append(entry)
    enough: dict[str, list[Entry]] = {}
    for found in sorted(groups.values(), key=lambda found: -len(found)):
        if len(found) >= MODELS[0] and found[0].card:
            title = _free(data_title(found[0].card.data), found[0].card, enough)
            enough[title] = sorted(found, key=_order)
    return enough


def _free(title: str, card: Card, taken: Container[str]) -> str:
    """A title that no other group has: with the size of the pictures where it is taken, then with a number."""
    _, height, width = card.config.get("image_shape", (0, 0, 0))
    sized = f"{title}, {width}×{height}"
    more = (f"{sized} ({number})" for number in count(2))
    return next(each for each in chain([title, sized], more) if each not in taken)


def _order(entry: Entry) -> tuple[int, int, str]:
    """By family, in the order of the zoo, then by size."""
    kinds = list(FAMILY_CLASSES)
    model = entry.card.model if entry.card else ""
    return (kinds.index(model) if model in kinds else len(kinds), latent(entry.card), entry.name)


def kind(card: Card | None) -> str:
    """What kind of model it is, for people."""
    return families.title(card.model) if card else ""


def latent(card: Card | None) -> int:
    """Dimensions of its code; 0 where there is no card."""
    return families.spec_of(card).size if card else 0


def ladders(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Models of one kind with codes of different sizes, the smallest first; one a size, at least two of a kind."""
    kinds: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        if entry.card and latent(entry.card):
            kinds.setdefault(entry.card.model, {}).setdefault(latent(entry.card), entry)
    return [[sizes[size] for size in sorted(sizes)] for sizes in kinds.values() if len(sizes) >= MODELS[0]]


def ready_series(title: str, entries: Sequence[Entry]) -> list[Series]:
    """The series that the checkpoints of one data set make up.

    Arguments:
        title: Of the data set.
        entries: Its usable checkpoints.
    """
    most = MODELS[1]
    found = []
    for ladder in ladders(entries):
        steps = ladder[:most]
        sizes = [str(latent(entry.card)) for entry in steps]
        found.append(Series(f"{kind(steps[0].card)} with {_listed(sizes)} dimensions", _names(steps)))
    for one, other in PAIRS:
        pair = _nearest_pair(_of(entries, one), _of(entries, other))
        if pair:
            found.append(Series(f"{kind(pair[0].card)} against {kind(pair[1].card)}", _names(pair)))
    for family, kinds in FAMILIES.items():
        members = [_of(entries, model)[-1] for model in kinds if _of(entries, model)][:most]
        if len(members) > MODELS[0]:
            found.append(Series(family, _names(members)))
    if MODELS[0] <= len(entries) <= most:
        found.append(Series(f"Everything on {title}", _names(entries)))
    elif len(one_each := _one_each(entries)) >= MODELS[0]:
        found.append(Series(f"One of each kind on {title}", _names(one_each[:most])))
    unique = {series.names: series for series in reversed(found)}
    return [series for series in found if unique[series.names] is series]


def first_choice(groups: dict[str, list[Entry]], wanted: str = "") -> tuple[str, ...]:
    """The models that are shown before anything was chosen: the first series of the largest group, at most four.

    Arguments:
        groups: The checkpoints that can be compared, by data set.
        wanted: A checkpoint that should be among them; then the first series that has it, where there is one.
    """
    for title, entries in groups.items():
        if wanted in _names(entries):
            ready = [series.names for series in ready_series(title, entries) if wanted in series.names]
            others = [name for name in (ready[0] if ready else _names(entries)) if name != wanted]
            return (wanted, *others[:3])
    for title, entries in groups.items():
        return next((s.names[:4] for s in ready_series(title, entries)), _names(entries[:4]))
    return ()


def _of(entries: Sequence[Entry], model: str) -> list[Entry]:
    return [entry for entry in entries if entry.card and entry.card.model == model]


def _one_each(entries: Sequence[Entry]) -> list[Entry]:
    """The largest code of each kind."""
    return list({entry.card.model: entry for entry in entries if entry.card}.values())


def _nearest_pair(ones: list[Entry], others: list[Entry]) -> tuple[Entry, Entry] | None:
    """One of each whose codes are nearest in size, the larger codes first."""
    pairs = [(one, other) for one in ones for other in others]
    return min(
        pairs,
        key=lambda pair: (abs(latent(pair[0].card) - latent(pair[1].card)), -latent(pair[0].card)),
        default=None,
    )


def _names(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(entry.name for entry in entries)


def _listed(words: list[str]) -> str:
    """Words as a sentence has them: "2", "2 and 5", "2, 5 and 10"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
