"""Tests of the metrics of a model: on pictures whose pixels are their factors, so that the answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.criterion import Criterion
from models.data import Attribute, ImageData, load_data
from models.data.faces_drawing import render
from models.evaluation.disentanglement import disentanglement, measurable
from models.evaluation.disentanglement.dci import TREES
from models.evaluation.disentanglement.scores import GENERATORS, known_factors, make_source, mean_codes

NAMES = [
    "mig",
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "sap",
    "factor_vae",
    "beta_vae",
]


class Reader(Autoencoder):
    """Its latents are the first three pixels, multiplied by a matrix; a deterministic encoder."""

    def __init__(self, turn: Tensor, spec: LatentSpec | None = None) -> None:
        super().__init__()
        self.turn = turn
        self.spec = spec or LatentSpec((3,), prior=False, likelihood="none")
        self.image_shape = (1, 8, 8)

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        raise NotImplementedError

    def encode(self, x: Tensor) -> Posterior:
        return Posterior(x[:, 0, 0, :3] @ self.turn)

    def decode(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        raise NotImplementedError


def draw(table: np.ndarray) -> np.ndarray:
    """Pictures whose first three pixels are shade, row and mark."""
    images = np.zeros((len(table), 8, 8, 1), np.uint8)
    images[:, 0, :3, 0] = np.round(table * [250, 60, 200])
    return images


def pictures(count: int = 300) -> ImageData:
    """Pictures drawn from a continuous factor, one of four categories and one of two; a fourth never changes."""
    rng = np.random.default_rng(0)
    shade = rng.random(count).astype(np.float32)
    row = rng.integers(0, 4, count).astype(np.int16)
    mark = rng.integers(0, 2, count).astype(np.uint8)
    return ImageData(
        name="pixels",
        split="test",
        images=draw(np.stack([shade, row, mark], axis=1)),
        attributes={
            "shade": Attribute("shade", "continuous", shade),
            "row": Attribute("row", "categorical", row, tuple("abcd")),
            "still": Attribute("still", "binary", np.zeros(count, np.uint8)),
            "mark": Attribute("mark", "binary", mark),
        },
        ids=np.arange(count),
        publishable=True,
        licence="none",
        source="drawn here",
    )


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few rounds and few batches."""
    monkeypatch.setitem(TREES, "n_estimators", 20)
    monkeypatch.setattr("models.evaluation.disentanglement.scores.BATCHES", 600)
    monkeypatch.setattr("models.evaluation.disentanglement.scores.TEST_BATCHES", 300)
    yield


def values(turn: Tensor, seed: int = 0, data: ImageData | None = None) -> dict[str, float]:
    found = disentanglement(Reader(turn), data or pictures(), seed=seed)
    return {name: each["value"] for name, each in found.items()}


def test_pixels_that_are_the_factors_score_1() -> None:
    found = values(torch.eye(3))
    assert list(found) == NAMES
    assert found["factor_vae"] == found["beta_vae"] == 1
    assert all(found[name] > 0.95 for name in NAMES[1:4])
    assert found["mig"] > 0.75  # so few images share some information with anything in 20 bins
    assert 0.5 < found["sap"] < 1  # a linear classifier cannot separate four categories by one code


def test_a_mixture_of_the_pixels_scores_less_but_tells_as_much() -> None:
    turned = values(torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0])
    assert turned["mig"] < 0.5 and turned["dci_disentanglement"] < 0.8 and turned["sap"] < 0.4
    assert turned["dci_informativeness"] > 0.7


def test_one_seed_gives_one_answer() -> None:
    turn = torch.eye(3) + 0.5
    first = values(turn)
    assert first == values(turn) and first != values(turn, seed=1)


def test_every_metric_says_how_it_was_measured() -> None:
    found = disentanglement(Reader(torch.eye(3)), pictures(), seed=4)
    for each in found.values():
        assert each["protocol"].startswith("mean codes of 3 dimensions, 3 factors, pixels test, ")
        assert each["protocol"].endswith(", seed 4")
    assert "20 bins of equal width" in found["mig"]["protocol"] and "300 images" in found["mig"]["protocol"]
    for name in NAMES[1:5]:
        assert "fitted on 200, judged on 100 images" in found[name]["protocol"]
    assert "20 rounds of depth 3" in found["dci_completeness"]["protocol"]
    assert "linear SVM (C 0.01" in found["sap"]["protocol"]
    for name in NAMES[5:]:
        assert "within one of 20 bins, batches of 64, 600 to fit, 300 judged" in found[name]["protocol"]
        assert "chance 0.333" in found[name]["protocol"] and found[name]["unit"] == "accuracy"


def test_factors_are_the_attributes_that_vary() -> None:
    data = pictures()
    factors = known_factors(data)
    assert factors.names == ("shade", "row", "mark") and factors.discrete.tolist() == [False, True, True]
    assert factors.values.dtype == np.float64
    np.testing.assert_array_equal(factors.values[:, 1], data.attributes["row"].values)


def test_factors_of_which_a_value_is_missing_are_left_out() -> None:
    data = pictures(40)
    values = data.attributes["row"].values.copy()
    values[3] = -1
    odd = {**data.attributes, "row": replace(data.attributes["row"], values=values)}
    assert "row" not in known_factors(replace(data, attributes=odd)).names


def test_codes_are_those_of_all_images_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.data.tensors.BATCH", 16)
    data = pictures(40)
    latents = mean_codes(Reader(torch.eye(3)), data.images)
    assert latents.dtype == np.float64
    np.testing.assert_allclose(latents, data.images[:, 0, :3, 0] / 255, rtol=1e-6)


def test_a_generator_draws_the_images_again_with_factors_held_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(GENERATORS, "pixels", (("shade", "row", "mark"), draw))
    data = pictures()
    source = make_source(Reader(torch.eye(3)), data, np.empty((300, 3)), known_factors(data))
    batch = source.batches(0, 50, np.random.default_rng(0))
    assert (np.ptp(batch[..., 0], 1) == 0).all() and (np.ptp(batch[..., 1:], 1) > 0).all()
    moved = np.abs(source.latents - data.images[:, 0, :3, 0] / 255).max(0)
    np.testing.assert_allclose(moved, [0.025, 0, 0], atol=0.005)
    assert "drawn again" in disentanglement(Reader(torch.eye(3)), data)["factor_vae"]["protocol"]


def test_faces_are_drawn_again_from_their_own_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("faces", "test", limit=40)
    names, _ = GENERATORS["faces"]
    assert names == tuple(data.attributes)
    tables: list[np.ndarray] = []

    def note(table: np.ndarray) -> np.ndarray:
        tables.append(table)
        return render(table)

    monkeypatch.setitem(GENERATORS, "faces", (names, note))
    monkeypatch.setattr("models.evaluation.disentanglement.sources.FEWEST", 2)
    source = make_source(Reader(torch.eye(3)), data, np.empty((40, 3)), known_factors(data))
    table = np.concatenate(tables)
    own = np.stack([each.values for each in data.attributes.values()], axis=1)
    np.testing.assert_array_equal(table[:, 12:], own[:, 12:])  # yes or no: kept
    step = np.ptp(own[:, :12], axis=0) / 20
    assert (np.abs(table - own)[:, :12] <= step / 2 + 1e-6).all() and (table != own)[:, :12].any()
    drawn = torch.from_numpy(render(table)[:, 0, :3, 0].astype(np.float32) / 255)
    np.testing.assert_allclose(source.latents, drawn, rtol=1e-6)


def test_sets_that_do_not_serve_are_refused() -> None:
    data = pictures()
    assert measurable(data) and not measurable(data.take(range(199)))
    with pytest.raises(ValueError, match=r"two factors that vary and 200 images. Got pixels with 3 and 60"):
        disentanglement(Reader(torch.eye(3)), data.take(range(60)))
    one = replace(data, attributes={"row": data.attributes["row"], "still": data.attributes["still"]})
    assert not measurable(one) and not measurable(replace(data, attributes={}))
    with pytest.raises(ValueError, match="Got pixels with 1 and 300: use faces or lpc-sprites"):
        disentanglement(Reader(torch.eye(3)), one)


def test_a_codebook_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"`model` must encode to real numbers. Reader has a discrete latent"
    ):
        disentanglement(Reader(torch.eye(3), LatentSpec((3,), discrete=True)), pictures())


def test_a_model_that_gives_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="`latents` must be finite"):
        disentanglement(Reader(torch.full((3, 3), torch.nan)), pictures())
