"""Tests of checkpoints: a written one loads, and broken, forged or huge ones are refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models import CheckpointError, checkpoint, load
from models.card import CARD, ERROR_LENGTH, TRAINING, WEIGHTS, Card, Entry, roots
from models.data import load_data
from models.vae import VAE, VAEConfig

Change = Callable[[Path], object]
BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints"


def card_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return values


def edit(**changes: Any) -> Change:
    """Sets fields of the card."""

    def change(folder: Path) -> None:
        (folder / CARD).write_text(json.dumps(card_of(folder) | changes), encoding="utf-8")

    return change


def configure(**changes: Any) -> Change:
    """Sets fields of the model's configuration."""
    return lambda folder: edit(config=card_of(folder)["config"] | changes)(folder)


def write_card(text: str) -> Change:
    return lambda folder: (folder / CARD).write_text(text, encoding="utf-8")


def without(field: str) -> Change:
    """Removes a field of the card."""

    def change(folder: Path) -> None:
        values = card_of(folder)
        del values[field]
        (folder / CARD).write_text(json.dumps(values), encoding="utf-8")

    return change


def reweigh(change: Callable[[dict[str, Tensor]], Any]) -> Change:
    """Changes the tensors and writes their correct hash to the card, like a forger."""

    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS)
        edit(weights_sha256=hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest())(folder)

    return apply


def truncate(folder: Path) -> None:
    raw = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(raw[: len(raw) // 2])


def truncate_and_sign(folder: Path) -> None:
    truncate(folder)
    edit(weights_sha256=hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest())(folder)


def leave_unfinished(folder: Path) -> None:
    (folder / CARD).unlink()
    (folder / TRAINING).write_bytes(b"")


def enlarge_header(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((1 << 62).to_bytes(8, "little") + b"{}")


def flip_last_bit(folder: Path) -> None:
    raw = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


def make_folder(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()


def write_infinity(folder: Path) -> None:
    text = json.dumps(card_of(folder) | {"metrics": {"mse": {"value": 12345}}})
    (folder / CARD).write_text(text.replace("12345", "1e999"), encoding="utf-8")


FIRST = "encoder.0.weight"
BROKEN: dict[str, tuple[Change, str]] = {
    "no card": (
        lambda f: (f / CARD).unlink(),
        "has no card.json. Create it with `python -m models train vae`",
    ),
    "unfinished": (leave_unfinished, "holds an unfinished training. .*train --resume"),
    "not JSON": (write_card("{"), "card.json must be JSON"),
    "not UTF-8": (lambda f: (f / CARD).write_bytes(b"\xff\xfe{"), "card.json must be JSON"),
    "endless nesting": (write_card("[" * 200_000), "card.json must be JSON"),
    "endless number": (write_card('{"a": ' + "9" * 5000 + "}"), "card.json must be JSON"),
    "a list": (write_card("[1]"), "must hold one JSON object"),
    "too large": (write_card('"' + "x" * (1 << 20) + '"'), "is larger than 1048576 bytes"),
    "missing field": (without("weights_sha256"), "is incomplete: it has no 'weights_sha256'"),
    "missing title": (without("title"), "is incomplete: it has no 'title'"),
    "title a number": (edit(title=3), "`title` must be one line of at most 80 characters. Got 3"),
    "title too long": (edit(title="x" * 81), "`title` must be one line of at most 80 characters"),
    "title two lines": (edit(title="a\nb"), "`title` must be one line"),
    "title half a letter": (edit(title="\ud800"), "`title` holds a string that is not valid Unicode"),
    "description too long": (edit(description="x" * 4001), "`description` holds a string of more than 4000"),
    "name a path": (edit(name="../tiny-vae"), "`name` must be 1 to 64 lower-case letters"),
    "hash no hash": (edit(weights_sha256="abc"), "`weights_sha256` must be 64 hexadecimal digits. Got 'abc'"),
    "data a text": (edit(data="digits"), "`data` must be an object"),
    "data without name": (edit(data={"options": {}}), "`data` must have a `name`"),
    "options a list": (
        edit(data={"name": "digits", "options": [1]}),
        "`options` of `data` must be an object",
    ),
    "options that clash": (edit(data={"name": "digits", "options": {"limit": 3}}), "without `name`, `split`"),
    "config a list": (edit(config=[]), "`config` must be an object"),
    "NaN": (edit(training={"rate": float("nan")}), "`training` must hold finite numbers only. Got nan"),
    "infinity": (write_infinity, "`metrics` must hold finite numbers only. Got inf"),
    "huge number": (edit(training={"steps": 10**300}), "`training` must hold integers of at most 63 bits"),
    "deep": (edit(training={"a": [[[[[[[[[[[0]]]]]]]]]]]}), "`training` must not be nested deeper than 8"),
    "metric a text": (edit(metrics={"mse": "low"}), "`metrics.mse` must be an object with value. Got 'low'"),
    "metric without value": (edit(metrics={"mse": {"unit": ""}}), "`metrics.mse` must have `value`"),
    "metric true": (edit(metrics={"mse": {"value": True}}), "`metrics.mse.value` must be a number. Got True"),
    "metric's error": (
        edit(metrics={"mse": {"value": 1, "error": "0"}}),
        "`metrics.mse.error` must be a number",
    ),
    "metric's values": (
        edit(metrics={"mse": {"value": 1, "values": [1, "2"]}}),
        r"`metrics.mse.values\[1\]` must be a number",
    ),
    "metric's unit": (edit(metrics={"mse": {"value": 1, "unit": 2}}), "`metrics.mse.unit` must be a text"),
    "version a number": (edit(versions={"torch": 2}), "`versions.torch` must be a text. Got 2"),
    "unknown model": (edit(model="vea"), "card.json: Unknown model 'vea'. Choose one of: pca, "),
    "unknown setting": (configure(colour=1), "card.json: Unknown VAEConfig field 'colour'"),
    "setting's type": (configure(latent="4"), "card.json: `latent` must be of type int. Got '4'"),
    "setting's range": (configure(latent=10**9), r"card.json: `latent` must lie in \[1, 1024\]"),
    "setting endless": (configure(sigma=10**400), "`config` must hold integers of at most 63 bits"),
    "setting NaN": (configure(sigma=float("nan")), "`config` must hold finite numbers only"),
    "another shape": (
        configure(image_shape=[3, 8, 8]),
        r"'encoder.0.weight' must have the shape \(4, 3, 3, 3\)",
    ),
    "giant": (
        configure(width=2048, depth=8, latent=1024),
        "has the unknown tensor|lacks the tensor|must have",
    ),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "weights.safetensors is missing. Copy it again"),
    "weights a folder": (make_folder, "weights.safetensors is missing"),
    "weights empty": (lambda f: (f / WEIGHTS).write_bytes(b""), "cannot be read: .*Copy it again"),
    "weights a pickle": (lambda f: torch.save({}, f / WEIGHTS), "cannot be read"),
    "giant header": (enlarge_header, "cannot be read"),
    "truncated": (truncate, "weights.safetensors cannot be read"),
    "truncated, signed": (truncate_and_sign, "weights.safetensors cannot be read"),
    "missing tensor": (reweigh(lambda t: t.pop(FIRST)), f"lacks the tensor '{FIRST}'"),
    "unknown tensor": (reweigh(lambda t: t.update(more=torch.ones(1))), "has the unknown tensor 'more'"),
    "wrong shape": (
        reweigh(lambda t: t.update({FIRST: t[FIRST].reshape(4, 9, 1, 1)})),
        r"'encoder.0.weight' must have the shape \(4, 1, 3, 3\). Got \(4, 9, 1, 1\)",
    ),
    "float64": (reweigh(lambda t: t.update({FIRST: t[FIRST].double()})), "must be of type F32. Got F64"),
    "whole numbers": (reweigh(lambda t: t.update({FIRST: t[FIRST].int()})), "must be of type F32. Got I32"),
    "bfloat16": (reweigh(lambda t: t.update({FIRST: t[FIRST].bfloat16()})), "must be of type F32. Got BF16"),
}
LOADED: dict[str, tuple[Change, str]] = {  # defects that only reading the weights reveals
    "wrong hash": (
        edit(weights_sha256="0" * 64),
        "has the SHA-256 .*, but its card records 000000000000….* Copy it again",
    ),
    "one bit": (
        flip_last_bit,
        "The file was changed or truncated",
    ),
    "NaN weights": (reweigh(lambda t: t[FIRST].fill_(torch.nan)), f"'{FIRST}' holds NaN or infinity"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_listed_with_its_reason_and_others_load(
    case: str, copy_of_tiny: Path, tiny_checkpoint: Path
) -> None:
    change, message = BROKEN[case]
    sound = copy_of_tiny.parent / "sound-vae"
    shutil.copytree(tiny_checkpoint, sound)
    change(copy_of_tiny)
    entries = {entry.name: entry for entry in checkpoint.scan(copy_of_tiny.parent)}
    assert list(entries) == ["sound-vae", "tiny-vae"]
    assert entries["sound-vae"].error is None and entries["sound-vae"].card is not None
    broken = entries["tiny-vae"]
    assert broken.card is None and broken.version == "" and broken.error is not None
    assert len(broken.error) <= ERROR_LENGTH
    for read in (checkpoint.read, checkpoint.load):
        with pytest.raises(CheckpointError, match=f"(?s){message}"):
            read(copy_of_tiny)


def test_a_folder_whose_name_is_not_utf_8_is_listed_printable(copy_of_tiny: Path, tmp_path: Path) -> None:
    shelf = os.fsencode(tmp_path / "shelf")
    os.makedirs(shelf + b"/empty-\xe9")
    shutil.copytree(copy_of_tiny, os.fsdecode(shelf + b"/full-\xe9"))
    entries = checkpoint.scan(tmp_path / "shelf")
    assert [entry.name for entry in entries] == [r"empty-\xe9", r"full-\xe9"]
    for entry in entries:
        assert entry.path.is_dir()
        assert entry.error is not None and entry.error.encode()


@pytest.mark.parametrize("case", LOADED)
def test_forged_weights_are_not_loaded(case: str, copy_of_tiny: Path) -> None:
    change, message = LOADED[case]
    change(copy_of_tiny)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(copy_of_tiny)


def test_weights_replaced_during_loading_are_detected(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header of one file must not vouch for the bytes of another."""
    entry = checkpoint.read(copy_of_tiny)
    monkeypatch.setattr(checkpoint, "read", lambda name: entry)
    reweigh(lambda t: t.pop(FIRST))(copy_of_tiny)
    with pytest.raises(CheckpointError, match="The file was changed"):
        checkpoint.load(copy_of_tiny)
    forged = Entry(entry.name, entry.path, Card(**card_of(copy_of_tiny)))
    monkeypatch.setattr(checkpoint, "read", lambda name: forged)
    with pytest.raises(CheckpointError, match="lacks the tensor"):
        checkpoint.load(copy_of_tiny)


def test_a_card_of_a_huge_model_allocates_no_memory(copy_of_tiny: Path) -> None:
    configure(width=2048, depth=8, latent=1024)(copy_of_tiny)
    tracemalloc.start()
    with pytest.raises(CheckpointError):
        checkpoint.load(copy_of_tiny)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    resident = (
        int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    )
    assert peak < 20e6
    assert resident * 4096 < 4e9  # the model alone would be 20 GB


def test_a_weights_file_beyond_the_limit_is_not_read(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHT_BYTES", 1000)
    with pytest.raises(CheckpointError, match="is larger than 0 MiB, the limit for weights"):
        checkpoint.read(copy_of_tiny)


def test_packed_weights_are_half_as_large_and_give_the_rounded_model(copy_of_tiny: Path) -> None:
    edit(metrics={"mse": {"value": 1.0, "unit": "", "protocol": "", "command": ""}})(copy_of_tiny)
    former, before = checkpoint.load(copy_of_tiny), card_of(copy_of_tiny)
    size = (copy_of_tiny / WEIGHTS).stat().st_size
    card = checkpoint.pack(copy_of_tiny)
    assert (copy_of_tiny / WEIGHTS).stat().st_size < 0.65 * size
    assert card.metrics == {} and card.weights_sha256 != before["weights_sha256"]
    assert card.command == f"{before['command']} && python -m models pack {copy_of_tiny}"
    packed = checkpoint.load(copy_of_tiny)
    tensors = load_file(copy_of_tiny / WEIGHTS)
    for (name, values), other in zip(former.state_dict().items(), packed.state_dict().values(), strict=True):
        assert other.dtype == values.dtype
        assert tensors[name].dtype == (torch.half if values.ndim > 1 else values.dtype)
        torch.testing.assert_close(other, values, rtol=2**-11, atol=1e-7)
    raw = (copy_of_tiny / WEIGHTS).read_bytes()
    assert checkpoint.pack(copy_of_tiny) == card and (copy_of_tiny / WEIGHTS).read_bytes() == raw


def test_an_interruption_while_packing_leaves_the_old_or_the_new_checkpoint(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither checkpoint is incomplete, and there is no atlas of other weights."""
    (copy_of_tiny / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in copy_of_tiny.iterdir()}

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    for deed in ("write_card", "replace_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, deed, kill)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.pack(copy_of_tiny)
        assert {path.name: path.read_bytes() for path in copy_of_tiny.iterdir()} == before
    checkpoint.pack(copy_of_tiny)
    assert {path.name for path in copy_of_tiny.iterdir()} == before.keys() - {"atlas.parquet"}
    assert checkpoint.verify(checkpoint.read(copy_of_tiny)).error is None
    assert list(copy_of_tiny.parent.iterdir()) == [copy_of_tiny]


def test_tensors_that_overflow_in_16_bits_are_not_packed(copy_of_tiny: Path) -> None:
    reweigh(lambda t: t[FIRST].view(-1)[:1].fill_(1e5))(copy_of_tiny)
    checkpoint.pack(copy_of_tiny)
    tensors = load_file(copy_of_tiny / WEIGHTS)
    assert tensors[FIRST].dtype == torch.float32 and torch.half in {v.dtype for v in tensors.values()}
    assert checkpoint.load(copy_of_tiny).state_dict()[FIRST].max() == 1e5


def test_unknown_fields_of_a_card_are_ignored(copy_of_tiny: Path) -> None:
    edit(mood="sunny")(copy_of_tiny)
    assert checkpoint.read(copy_of_tiny).error is None


def test_a_checkpoint_is_found_by_name_and_by_path(tiny_only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name, by_path = checkpoint.read("tiny-vae"), checkpoint.read(tiny_only)
    assert by_name == by_path == checkpoint.read(str(tiny_only))
    assert by_name.card is not None and by_name.card.title == "Tiny"
    assert by_name.version == by_name.card.weights_sha256[:12]


def test_a_folder_may_be_copied_and_renamed(
    copy_of_tiny: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = copy_of_tiny.rename(copy_of_tiny.with_name("mine-2"))
    entry = checkpoint.read(other)
    assert entry.name == "mine-2" and entry.card is not None and entry.card.name == "mine-2"
    assert entry.version == checkpoint.read(tiny_checkpoint).version
    link = copy_of_tiny.with_name("link-to-it")
    link.symlink_to(other)
    assert checkpoint.read(link).name == "link-to-it"
    monkeypatch.chdir(other)
    assert checkpoint.read(Path()).name == "mine-2"
    odd = other.rename(other.with_name("My model (1)"))
    with pytest.raises(CheckpointError, match=r"Got 'My model \(1\)'. Rename it, e.g. to 'tiny-vae'"):
        checkpoint.read(odd)


def test_a_known_name_is_found_without_a_look_at_the_other_checkpoints(
    tiny_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "scan", lambda *folders: pytest.fail("it inspects all checkpoints"))
    assert checkpoint.read("tiny-vae").card is not None


@pytest.mark.parametrize("name", ["vea", "..", "", "Tiny-VAE", "tiny vae", "x" * 500, "a\0b"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str, tiny_only: Path) -> None:
    with pytest.raises(CheckpointError, match=r"Unknown checkpoint .*Choose one of: tiny-vae.") as caught:
        load(name)
    assert len(str(caught.value)) < 200


def test_a_path_that_is_not_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"is not a folder. List the checkpoints with `python -m models list`"
    ):
        load(tmp_path / "nothing")


def test_the_first_of_two_folders_with_the_same_name_is_used(
    tiny_checkpoint: Path, copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{copy_of_tiny.parent}:{tiny_checkpoint.parent}")
    assert [entry.path for entry in checkpoint.scan()] == [copy_of_tiny]
    assert checkpoint.read("tiny-vae").path == copy_of_tiny


def test_missing_and_hidden_folders_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "file").write_text("x")
    assert checkpoint.scan(tmp_path, tmp_path / "nowhere") == []


def test_without_the_variable_bundled_checkpoints_and_runs_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LATENT_CHECKPOINT_DIR", raising=False)
    assert [path.name for path in roots()] == ["checkpoints", "runs"]


def test_a_second_scan_builds_no_model(copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = checkpoint.scan(copy_of_tiny.parent)
    monkeypatch.setattr(checkpoint, "_built", lambda *_: pytest.fail("built again"))
    assert checkpoint.scan(copy_of_tiny.parent) == first
    assert first[0].error is None


@pytest.mark.parametrize(
    ("name", "facts", "message"),
    [
        ("My Run", {}, "`name` must be 1 to 64 lower-case letters"),
        ("run", {"title": "x" * 81}, "`title` must be one line"),
        ("run", {"metrics": {"mse": {"value": float("nan")}}}, "`metrics` must hold finite numbers only"),
        ("run", {"training": {"rate": np.float32(1)}}, "`training` must hold JSON values only. Got float32"),
    ],
)
def test_an_invalid_checkpoint_is_not_written(
    name: str, facts: dict[str, Any], message: str, tmp_path: Path
) -> None:
    model = VAE(VAEConfig((1, 8, 8), latent=2, width=2))
    with pytest.raises(CheckpointError, match=message):
        checkpoint.write(tmp_path / name, model, model_name="vae", data={"name": "digits"}, **facts)
    assert not (tmp_path / name).exists()


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoint.replace_file(file, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and file.read_text() == "old"


def test_ten_lines_in_a_notebook(tiny_only: Path) -> None:
    model = load("tiny-vae")
    images = torch.from_numpy(load_data("digits", "test", limit=2).images).permute(0, 3, 1, 2) / 255
    z = model.encode(images).mean
    moved = z + 0.5 * (z[1] - z[0])
    pictures = model.decode(moved)
    assert pictures.shape == images.shape and pictures.min() >= 0 and pictures.max() <= 1
    assert not torch.equal(pictures, model.decode(z))
    assert model.sample(3).shape == (3, 1, 8, 8)


def test_bundled_descriptions_agree_with_their_cards() -> None:
    bundled = [entry.card for entry in checkpoint.scan(BUNDLED) if entry.card]
    assert len(bundled) == 31
    for card in bundled:
        measured = {name: figure["value"] for name, figure in card.metrics.items()}
        claims = card.description.lower()
        assert not re.search(r"one thing|a meaning|few dimensions", claims), card.name
        if "vq" in card.model:
            assert not re.search(r"for what is|large", claims), card.name
        numbers = {"two": 2, "five": 5, "ten": 10, "twenty": 20}
        for word in re.findall(r"\b(\w+) dimensions", claims):
            count = numbers[word] if word in numbers else int(word)
            assert count == card.config["latent"] == measured.get("active_units", count)


def test_a_checkpoint_that_a_training_replaces_while_it_is_read_is_read_again(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated = replace(
        checkpoint.read(copy_of_tiny),
        card=replace(checkpoint.read(copy_of_tiny).card, weights_sha256="0" * 64),
    )
    entries = iter([outdated, checkpoint.read(copy_of_tiny)])
    monkeypatch.setattr("models.checkpoint.read", lambda _: next(entries))
    assert load(copy_of_tiny)


# Collections: a card, and the weights of another checkpoint


def collection_of(folder: Path, name: str = "tiny-vae.mine", **changes: Any) -> Path:
    """A collection beside a checkpoint, without an atlas."""
    made = folder.parent / name
    made.mkdir()
    shutil.copy(folder / CARD, made / CARD)
    edit(**({"weights_of": folder.name, "name": name} | changes))(made)
    return made


def test_a_collection_has_the_weights_of_its_checkpoint(copy_of_tiny: Path) -> None:
    made = collection_of(copy_of_tiny)
    entry = checkpoint.read(made)
    assert entry.card is not None and entry.card.weights_of == "tiny-vae" and entry.version
    assert checkpoint.verify(entry).error is None
    mine, its = load(made).state_dict(), load(copy_of_tiny).state_dict()
    assert all(torch.equal(values, its[key]) for key, values in mine.items())
    with pytest.raises(CheckpointError, match=r"is a collection without weights. Pack tiny-vae"):
        checkpoint.pack(made)
    assert "weights_of" not in card_of(copy_of_tiny), "other cards stay as they were"


def test_a_collection_without_its_checkpoint_names_a_remedy(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = collection_of(copy_of_tiny)
    chained = collection_of(copy_of_tiny, "third", weights_of=made.name)
    with pytest.raises(CheckpointError, match="whose weights have changed since"):
        checkpoint.read(chained)  # no chains
    shutil.rmtree(chained)
    edit(weights_sha256="0" * 64)(copy_of_tiny)
    with pytest.raises(
        CheckpointError, match=r"'tiny-vae', whose weights have changed since. Encode them again"
    ):
        checkpoint.read(made)
    shutil.rmtree(copy_of_tiny)
    with pytest.raises(CheckpointError, match=r"'tiny-vae', which does not exist. Put it beside this folder"):
        checkpoint.read(made)
    for wrong in ("../tiny-vae", "tiny-vae.mine", "/etc"):
        edit(weights_of=wrong)(made)
        with pytest.raises(CheckpointError, match="`weights_of` must be the name of another checkpoint"):
            checkpoint.read(made)
