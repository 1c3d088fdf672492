"""Tests of vector quantisation against explicit computations: gradients, running means, initial and reset codes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.layers.quantiser import DEAD, DECAY, FRESH, UPDATES, Quantiser, k_means, nearest, perplexity
from models.sharding import whole_batch


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def quantiser(count: int = 5, size: int = 3, update: str = "ema") -> Quantiser:
    torch.manual_seed(0)
    return Quantiser(count, size, update)


def grids(count: int = 4, size: int = 3, spread: float = 1.0) -> Tensor:
    return spread * torch.randn(count, size, 3, 2, generator=seeded(1))


def rows(z: Tensor) -> Tensor:
    """Returns the vectors (N, D) of grids (B, D, rows, columns), position by position."""
    return torch.stack(
        [z[b, :, r, c] for b in range(len(z)) for r in range(z.shape[2]) for c in range(z.shape[3])]
    )


def test_each_vector_is_assigned_to_the_nearest_code() -> None:
    model, z = quantiser(), grids()
    found = model(z)
    distances = torch.cdist(rows(z).double(), model.vectors.double())
    assert torch.equal(found.codes.flatten(), distances.argmin(1))
    torch.testing.assert_close(rows(found.nearest), model.vectors[distances.argmin(1)])
    assert torch.equal(model.embed(found.codes), found.nearest)
    assert torch.equal(model(found.nearest).codes, found.codes)  # a code is nearest to itself
    assert not any(torch.equal(one, two) for one, two in [(model.uses, model.uses + 1)]) and not model.seen


def test_autocast_does_not_change_the_codes() -> None:
    z, vectors = torch.randn(2000, 8, generator=seeded()), torch.randn(64, 8, generator=seeded(1))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest(z, vectors), torch.cdist(z, vectors).argmin(1))


@pytest.mark.parametrize("update", UPDATES)
def test_the_gradients_equal_the_explicit_ones(update: str) -> None:
    """L = <w, e> straight through + commitment + codebook:  dL/dz = w + 2 (z - e),  dL/de_k = sum of 2 (e_k - z)."""
    model, z = quantiser(update=update).double(), grids().double().requires_grad_()
    weights = torch.randn(z.shape, generator=seeded(2), dtype=torch.float64)
    found = model(z)
    torch.testing.assert_close(found.straight_through, found.nearest)
    ((found.straight_through * weights).sum() + found.commitment().sum() + found.codebook().sum()).backward()
    torch.testing.assert_close(z.grad, weights + 2 * (z - found.nearest).detach())
    if update == "ema":
        assert not list(model.parameters())
        return
    expected = torch.zeros_like(model.vectors)
    for vector, code in zip(rows(z.detach()), found.codes.flatten(), strict=True):
        expected[code] += 2 * (model.vectors[code].detach() - vector)
    torch.testing.assert_close(model.vectors.grad, expected)
    assert expected.abs().sum() > 0


def test_the_running_mean_is_that_of_a_loop() -> None:
    model, uses = quantiser(3).double(), torch.tensor([4.0, 7.0, 2.0], dtype=torch.float64)
    model.seen.fill_(True)
    model.uses.copy_(uses)
    z, before = grids().double(), model.vectors.clone()
    model.learn(z, seeded())
    for code in range(3):
        chosen = [v for v in rows(z) if int(((before - v) ** 2).sum(1).argmin()) == code]
        count = DECAY * uses[code] + (1 - DECAY) * len(chosen)
        total = DECAY * uses[code] * before[code] + (1 - DECAY) * sum(
            chosen, torch.zeros(3, dtype=torch.float64)
        )
        torch.testing.assert_close(model.uses[code], count)
        torch.testing.assert_close(model.vectors[code], total / count)
    assert len(nearest(rows(z), before).unique()) > 1


def test_with_gradient_updates_codes_change_only_by_the_gradient() -> None:
    model = quantiser(3, update="gradient")
    model.seen.fill_(True)
    model.uses.fill_(8.0)
    before = model.vectors.detach().clone()
    model.learn(grids(), seeded())
    assert torch.equal(model.vectors, before) and not torch.equal(model.uses, torch.full((3,), 8.0))


def test_k_means_converges_to_the_means_of_the_clusters() -> None:
    blobs = 9 * torch.eye(3).repeat_interleave(30, 0)
    places = blobs + torch.randn(90, 3, generator=seeded())
    centres = k_means(places, 4, seeded(3))
    owners = torch.cdist(places, centres).argmin(1)
    for code in range(4):
        torch.testing.assert_close(centres[code], places[owners == code].mean(0))
    assert (places - centres[owners]).square().sum(1).mean() < 3.5  # three blobs of variance 3


def test_the_codebook_is_initialised_once_from_the_first_batch() -> None:
    model, z = quantiser(4), grids(20)
    first = model.learn(z, seeded(3))
    assert torch.equal(first.nearest, quantiser_of(k_means(rows(z), 4, seeded(3)))(z).nearest)
    assert model.seen
    moved = model.vectors.clone()
    model.learn(100 + z, seeded())  # no second time: the codes only begin to follow
    assert 0 < (model.vectors - moved).abs().max() < 100


def quantiser_of(vectors: Tensor) -> Quantiser:
    model = quantiser(len(vectors), vectors.shape[1])
    model.vectors.copy_(vectors)
    return model


def test_there_may_be_fewer_vectors_than_codes() -> None:
    model = quantiser(50)
    found = model.learn(grids(1), seeded())
    assert model.vectors.isfinite().all() and found.commitment().item() < 1e-10


@pytest.mark.parametrize("update", UPDATES)
def test_an_unused_code_is_reset_to_a_vector_of_the_batch(update: str) -> None:
    model, z = quantiser(4, update=update), grids(20, spread=0.1)
    model.seen.fill_(True)
    model.uses.fill_(FRESH * 30)
    with torch.no_grad():
        model.vectors[3] = 50.0  # nobody's neighbour
    model.learn(z, seeded())
    assert (model.vectors[3] - 50).abs().max() < 1e-4, "it is not dead at once"
    model.uses[3] = DEAD * 30 * 0.99
    model.learn(z, seeded())
    assert (rows(z) - model.vectors[3]).abs().sum(1).min() == 0
    assert model.uses[3] == FRESH * 30  # of 120 vectors and 4 codes
    assert torch.equal(model(z).codes.unique(), torch.arange(4)) or (model(z).codes == 3).any()


def test_the_same_seed_gives_the_same_codebook() -> None:
    def learnt(seed: int) -> Tensor:
        model = quantiser(16)
        for _ in range(3):
            model.learn(grids(30), seeded(seed))
        return model.vectors

    assert torch.equal(learnt(1), learnt(1)) and not torch.equal(learnt(1), learnt(2))


def test_evaluation_does_not_change_the_codebook() -> None:
    model = quantiser()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    model.train()(grids())
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_perplexity_is_the_number_of_codes_used_evenly() -> None:
    found, used = perplexity(torch.tensor([[0, 1], [2, 3]]), 8)
    assert found.item() == pytest.approx(4) and used.item() == 0.5
    found, used = perplexity(torch.zeros(3, 2, 2, dtype=torch.long), 8)
    assert found.item() == pytest.approx(1) and used.item() == pytest.approx(1 / 8)


def test_in_a_single_process_the_whole_batch_is_the_batch() -> None:
    z = grids()
    assert whole_batch(z, seeded()) is z and whole_batch(z, None) is z
