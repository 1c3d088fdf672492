"""The table of a prepared data set: splits, attributes and texts of its items, as a validated Parquet file."""

from __future__ import annotations

__all__ = ["Labels", "labels_of", "read_labels", "splits_of", "write_labels"]

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from models.data.base import Attribute, Texts
from models.data.own.columns import attributes_of, texts_of
from models.data.own.found import FoundImages
from models.data.own.preparation import Preparation
from models.data.own.records import Column
from models.data.own.splitting import draw
from models.data.own.values import as_text
from models.system.json_input import read_json

KEY = b"latent-explorer-images"  # key of the Parquet metadata
DTYPES = {"binary": np.uint8, "categorical": np.int16, "continuous": np.float32}


@dataclass(frozen=True, eq=False)
class Labels:
    """Attributes and texts of N items."""

    attributes: dict[str, Attribute]
    texts: dict[str, Texts]

    def take(self, rows: ArrayLike) -> Labels:
        """Selects the attributes and texts of some items."""
        return Labels(
            {name: each.take(rows) for name, each in self.attributes.items()},
            {name: each.take(rows) for name, each in self.texts.items()},
        )


def chosen_columns(found: FoundImages, preparation: Preparation) -> list[Column]:
    """Returns the columns with their chosen kinds.

    Raises:
        ValueError: If a column does not exist, or cannot be of the chosen kind.
    """
    for slug, kind in preparation.kinds.items():
        found.column(slug, kind)
    return [
        found.column(slug, preparation.kinds[slug]) if slug in preparation.kinds else column
        for slug, column in found.columns.items()
    ]


def labels_of(found: FoundImages, preparation: Preparation) -> Labels:
    """Converts the columns to attributes and texts of all items; the text `file` is the name of an item."""
    texts = {"file": Texts("file", "File", tuple(item.key for item in found.items))}
    attributes: dict[str, Attribute] = {}
    for column in chosen_columns(found, preparation):
        cells = found.cells[column.slug]
        comma = column.slug in found.comma
        for attribute in attributes_of(column, cells, comma, set(found.columns) | attributes.keys()):
            if attribute.known.any():
                attributes[attribute.name] = attribute
        text = texts_of(column, cells)
        if text is not None:
            texts[text.name] = text
    return Labels(attributes, texts)


def splits_of(found: FoundImages, preparation: Preparation) -> list[str]:
    """Draws the split of each item: "train", "validation" or "test".

    Raises:
        ValueError: If a chosen column does not exist.
    """
    return draw(
        [item.key for item in found.items],
        [item.split for item in found.items],
        strata=strata_of(found, preparation),
        groups=groups_of(found, preparation),
        validation=preparation.validation,
        test=preparation.test,
        seed=preparation.seed,
    )


def strata_of(found: FoundImages, preparation: Preparation) -> list[str] | None:
    """Returns the class of each item, if there is a single column of classes."""
    columns = [each for each in chosen_columns(found, preparation) if each.kind in ("category", "binary")]
    named = [each for each in columns if each.slug in ("class", "class_label", "label")]
    single = named[:1] or (columns if len(columns) == 1 else [])
    return [as_text(value) for value in found.cells[single[0].slug]] if single else None


def groups_of(found: FoundImages, preparation: Preparation) -> list[str] | None:
    """Returns the group of each item, "" if missing; None if no column was chosen.

    Raises:
        ValueError: If there is no such column.
    """
    if not preparation.group:
        return None
    if preparation.group not in found.cells:
        known = ", ".join(found.cells) or "none"
        raise ValueError(f"`group` must be a column of labels: {known[:300]}. Got {preparation.group!r}.")
    return [as_text(value) for value in found.cells[preparation.group]]


def write_labels(path: Path, splits: Sequence[str], labels: Labels) -> None:
    """Writes the table of items."""
    columns: dict[str, Any] = {"split": pa.array(list(splits), pa.string()).dictionary_encode()}
    columns |= {f"attribute {name}": pa.array(each.values) for name, each in labels.attributes.items()}
    columns |= {
        f"text {name}": pa.array(list(each.values), pa.string()) for name, each in labels.texts.items()
    }
    about = {
        "attributes": [
            {"name": a.name, "kind": a.kind, "labels": list(a.labels), "title": a.title}
            for a in labels.attributes.values()
        ],
        "texts": [{"name": text.name, "title": text.title} for text in labels.texts.values()],
    }
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about)})
    pq.write_table(table, path, compression="zstd")


def read_labels(path: Path) -> tuple[list[str], Labels]:
    """Reads splits and labels from a table.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        table = pq.read_table(path)
        about = read_json(table.schema.metadata[KEY], "Its description")
        splits = table.column("split").to_pylist()
        attributes = {a["name"]: _attribute(table, a) for a in about["attributes"]}
        texts = {
            t["name"]: Texts(t["name"], t["title"], tuple(table.column(f"text {t['name']}").to_pylist()))
            for t in about["texts"]
        }
        return splits, Labels(attributes, texts)
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({str(error)[:120]}). Delete its folder to prepare the images anew."
        ) from error


def _attribute(table: pa.Table, about: dict[str, Any]) -> Attribute:
    values: NDArray[Any] = table.column(f"attribute {about['name']}").to_numpy()
    values = np.array(values, DTYPES[about["kind"]])
    return Attribute(about["name"], about["kind"], values, tuple(about["labels"]), about["title"])
