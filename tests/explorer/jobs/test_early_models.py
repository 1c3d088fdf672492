"""Early models of a training: snapshot, copy, publish, superseded, deleted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.jobs import early_models
from models import checkpoint
from models.card import ATLAS, Card, read_card, write_card


@pytest.fixture
def run(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """The folder of a run whose card says that it has not ended."""
    folder = tmp_path / "runs" / "fruits"
    shutil.copytree(tiny_checkpoint, folder)
    (folder / ATLAS).unlink()
    card = read_card(folder)
    write_card(
        folder, replace(card, title="F" * 80, training=card.training | {"finished": False, "steps": 1200})
    )
    return folder


def found(folder: Path) -> Card:
    card = early_models.snapshot(folder)
    assert card is not None
    return card


def test_a_snapshot_is_placed_beside_its_run_under_a_name_and_a_title_of_its_own(run: Path) -> None:
    work = early_models.stage(run, found(run), 1)
    assert work.parent.name.startswith("."), "nobody finds it before it is encoded"
    assert [entry.name for entry in checkpoint.scan(run.parent)] == ["fruits"]
    assert early_models.publish(work) == "fruits-early-1"
    entry = checkpoint.verify(checkpoint.read(run.parent / "fruits-early-1"))
    assert entry.error is None and entry.card is not None
    assert entry.card.title.endswith(", after 1,200 steps") and len(entry.card.title) == 80
    assert found(run).title == "F" * 80, "the run's own card stays"


def test_a_run_that_has_ended_or_left_nothing_has_no_snapshot(run: Path, tmp_path: Path) -> None:
    assert early_models.snapshot(tmp_path) is None
    card = read_card(run)
    write_card(run, replace(card, training={"finished": True}))
    assert early_models.snapshot(run) is None


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("fruits-early-1", "fruits"),
        ("a-early-2-early-12", "a-early-2"),
        ("fruits", ""),
        ("fruits-early-0", ""),
    ],
)
def test_an_early_model_names_its_run(name: str, of: str) -> None:
    assert early_models.run_of_early(name) == of
    if of:
        assert early_models.early_name(of, int(name.rsplit("-", 1)[1])) == name


def test_superseded_early_models_are_deleted_and_others_stay(run: Path) -> None:
    for number in (1, 2):
        early_models.publish(early_models.stage(run, found(run), number))
    other = run.parent / "fruits-early-9"  # a folder of somebody's, without a card
    other.mkdir()
    early_models.remove(run, frozenset({"fruits-early-2"}))
    assert sorted(path.name for path in run.parent.iterdir()) == [
        "fruits",
        "fruits-early-2",
        "fruits-early-9",
    ]
    early_models.remove_superseded(run.parent)
    assert (run.parent / "fruits-early-2").is_dir(), "its run has no map yet"
    assert not early_models.is_superseded("fruits-early-2", {"other"})
    (run / ATLAS).touch()
    assert early_models.is_superseded("fruits-early-2", {"fruits"})
    early_models.remove_superseded(run.parent)
    assert sorted(path.name for path in run.parent.iterdir()) == ["fruits", "fruits-early-9"]
