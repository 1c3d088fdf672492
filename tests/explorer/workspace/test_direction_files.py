"""Directions as files: there and back to the bit, and every file that is no such direction refused by its reason."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from safetensors.numpy import save

from explorer.latent.directions.mean_difference import Direction
from explorer.workspace import direction_files
from explorer.workspace.direction_files import BYTES_AT_MOST, as_json, as_safetensors, read_direction
from models import checkpoint
from models.card import Entry

SIZE = 4
VECTOR = np.array([0.1, -2.5e-7, 3e20, 1 / 3], np.float32)
OWN = Direction(VECTOR, "own-calm", "Calm, “LDA”", "Yours", 12, 30, "own", "attribute Even; LDA")


@pytest.fixture
def entry(tiny_checkpoint: Path) -> Entry:
    return checkpoint.read(tiny_checkpoint)


@pytest.mark.parametrize("write", [as_json, as_safetensors])
def test_what_is_exported_is_imported_again_to_the_bit(entry: Entry, write: object) -> None:
    found = read_direction(entry, write(entry, OWN), SIZE)  # type: ignore[operator]
    np.testing.assert_array_equal(found.vector, VECTOR)
    assert {**vars(found), "vector": 0} == {**vars(OWN), "vector": 0}


def test_json_is_read_as_editors_save_it_and_is_bounded(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = as_json(entry, OWN)
    editors = (b" \n\t" + written, codecs.BOM_UTF8 + written, written.decode().encode("utf-16"))
    for data in editors:
        np.testing.assert_array_equal(read_direction(entry, data, SIZE).vector, VECTOR)
    monkeypatch.setattr(direction_files, "NUMBERS_AT_MOST", SIZE - 1)
    with pytest.raises(ValueError, match="list of numbers"):
        read_direction(entry, written, SIZE)


def test_the_json_names_checkpoint_hash_and_making(entry: Entry) -> None:
    values = json.loads(as_json(entry, OWN))
    assert entry.card is not None
    assert values["checkpoint"] == entry.name and values["weights_sha256"] == entry.card.weights_sha256
    assert values["made"] == OWN.made and values["title"] == OWN.title


@pytest.mark.parametrize("write", [as_json, as_safetensors])
def test_another_checkpoints_direction_is_refused_with_both_names(entry: Entry, write: object) -> None:
    assert entry.card is not None
    other = replace(entry, name="faces-other", card=replace(entry.card, weights_sha256="ab" * 32))
    data = write(other, OWN)  # type: ignore[operator]
    with pytest.raises(ValueError, match="another checkpoint, faces-other") as caught:
        read_direction(entry, data, SIZE)
    assert entry.name in str(caught.value) and "abababab" in str(caught.value)
    assert entry.card.weights_sha256[:12] in str(caught.value)


def changed(entry: Entry, **changes: object) -> bytes:
    return json.dumps(json.loads(as_json(entry, OWN)) | changes).encode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vector": [1.0, float("nan"), 0, 0]}, "finite and not zero"),
        ({"vector": [1e300, 0, 0, 0]}, "finite and not zero"),
        ({"vector": [10**400, 0, 0, 0]}, "must be finite"),
        ({"vector": [0, 0, 0, 0]}, "finite and not zero"),
        ({"vector": [1, 2, 3]}, "has 3 numbers; the latents of tiny-vae have 4"),
        ({"vector": ["1", 2, 3, 4]}, "list of numbers"),
        ({"vector": [True, 2, 3, 4]}, "list of numbers"),
        ({"vector": []}, "list of numbers"),
        ({"vector": None}, "list of numbers"),
        ({"format": "other"}, "latent-explorer-direction"),
        ({"name": "../evil"}, "`name` must be the name of a saved direction"),
        ({"name": "even"}, "`name` must be the name of a saved direction"),
        ({"title": ""}, "`title` must be 1 to"),
        ({"title": 7}, "`title` must be"),
        ({"count_with": -1}, "must be a whole number"),
        ({"weights_sha256": ""}, "another checkpoint"),
    ],
)
def test_json_that_does_not_hold_is_refused(entry: Entry, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_direction(entry, changed(entry, **changes), SIZE)


def test_files_of_other_kinds_are_refused(entry: Entry) -> None:
    assert entry.card is not None
    facts = {"weights_sha256": entry.card.weights_sha256, "direction": "{}"}
    two = save({"vector": VECTOR.astype(np.float64)}, facts)
    for data, message in (
        (b"", "The file is empty"),
        (b"\x89PNG\r\n", "must be a safetensors file"),
        (b"{", "must be JSON. This is not"),
        (b"[1, 2]", "must be an object"),
        (b"\xff{", "must be a safetensors file"),
        (b"[" * 100_000, "must be JSON. This is not"),
        (bytes(BYTES_AT_MOST + 1), "at most 4 MiB"),
        (two, "must be float32"),
        (as_safetensors(entry, OWN)[:-3], "must be a safetensors file"),
    ):
        with pytest.raises(ValueError, match=message):
            read_direction(entry, data, SIZE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.binary(max_size=300))
def test_random_bytes_raise_nothing_but_value_errors(entry: Entry, data: bytes) -> None:
    for raw in (data, b"{" + data, len(data).to_bytes(8, "little") + data):
        with pytest.raises(ValueError):
            read_direction(entry, raw, SIZE)
