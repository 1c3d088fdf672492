"""Tests of the family of imported models: it computes what its files say, and its files are what its card says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint
from models.card import CARD, CheckpointError
from models.data.tensors import to_tensor
from models.foreign.model import DECODER, ENCODER, ForeignConfig, ForeignModel
from models.import_model import import_model
from tests.models.foreign.graphs import levels, write_pair, write_pictures


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an imported pair of signed values and the order blue, green, red."""
    folder = tmp_path_factory.mktemp("original")
    source = write_pair(folder / "pair", values="signed", channels="bgr")
    import_model(source, folder / "mine", images=write_pictures(folder / "pictures"))
    return folder / "mine"


@pytest.fixture
def imported(original: Path, tmp_path: Path) -> Path:
    """A copy of the imported pair that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "checkpoints" / "mine"))


def test_it_encodes_and_decodes_as_its_files_say(imported: Path) -> None:
    model = checkpoint.load(imported)
    assert isinstance(model, ForeignModel) and not model.spec.posterior and not model.spec.prior
    assert model.spec.shape == (192,) and model.spec.levels[0].shape == (12, 4, 4) and model.spec.encodes
    x = to_tensor(levels(11))
    q = model.encode(x)
    signed = 2 * x.flip(1) - 1
    expected = torch.nn.functional.pixel_unshuffle(signed, 2).reshape(11, 3, 4, 4, 4)
    # ONNX's SpaceToDepth puts the place in the block before the channel, torch's after it.
    torch.testing.assert_close(q.mean, expected.transpose(1, 2).reshape(11, -1))
    assert q.std is None
    torch.testing.assert_close(model.decode(q.mean), x)
    assert model.decode(q.mean[:0]).shape == (0, 3, 8, 8) and model.encode(x[:0]).mean.shape == (0, 192)
    assert model.nbytes > sum((imported / name).stat().st_size for name in (ENCODER, DECODER))


def test_it_has_no_gradients_no_prior_and_no_training(imported: Path) -> None:
    model = checkpoint.load(imported)
    with pytest.raises(ValueError, match="has no gradients"):
        model.decode(torch.zeros(1, 192, requires_grad=True))
    with pytest.raises(ValueError, match="cannot be trained"):
        model.loss(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="no prior"):
        model.sample(2)


def test_a_changed_or_missing_file_is_refused(imported: Path) -> None:
    path = imported / DECODER
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert checkpoint.read(imported).error is None
    for error in (checkpoint.verify(checkpoint.read(imported)).error, _error(imported)):
        assert error is not None and "decoder.onnx has the SHA-256" in error
    path.unlink()
    (entry,) = checkpoint.scan(imported.parent)
    assert entry.error is not None and "decoder.onnx is missing" in entry.error
    path.write_bytes(whole)
    assert checkpoint.verify(checkpoint.read(imported)).error is None


def test_a_card_that_names_other_files_is_refused(imported: Path) -> None:
    values = json.loads((imported / CARD).read_text())
    values["config"]["decoder_sha256"] = "1" * 64
    (imported / CARD).write_text(json.dumps(values))
    assert "the card names other ONNX files than the weights" in _error(imported)


def _error(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(folder)
    return str(caught.value)


def test_files_must_be_open(imported: Path) -> None:
    with pytest.raises(ValueError, match=r"are not open. Load it with `models.load`"):
        ForeignModel(ForeignConfig((1, 8, 8))).decode(torch.zeros(1, 1))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latent_shape": (3, 4)}, "`latent_shape` must be"),
        ({"latent_shape": (1 << 40, 1 << 40, 4)}, "`latent_shape` must have at most 16,384"),
        ({"decoder_sha256": "x"}, "`decoder_sha256` must be 64"),
        ({"input_range": "bytes"}, "Unknown input_range 'bytes'"),
        ({"batch": 9}, "`batch` must lie in"),
        ({"decoder_output": "y" * 999}, "`decoder_output` must have at most"),
    ],
)
def test_a_wrong_card_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ForeignConfig(**({"image_shape": (1, 8, 8)} | changes))  # type: ignore[arg-type]


def test_its_pictures_do_not_depend_on_the_batch(imported: Path) -> None:
    model = checkpoint.load(imported)
    z = torch.from_numpy(np.random.default_rng(1).standard_normal((19, 192), np.float32))
    whole = model.decode(z)
    torch.testing.assert_close(torch.cat([model.decode(row[None]) for row in z]), whole)
