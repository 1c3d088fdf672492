"""Tests of the autoregressive distribution: no position sees later ones, and its probabilities sum to one."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from models.layers.autoregressive import Autoregressive, draw_code

GRIDS = [(3, 4), (4, 3), (1, 5), (5, 1), (1, 1)]


def prior(grid: tuple[int, int] = (3, 4), count: int = 5, given: int = 0, depth: int = 2) -> Autoregressive:
    torch.manual_seed(0)
    model = Autoregressive(count, grid, 8, depth, given).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from 0, so that every path counts
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def codes(model: Autoregressive, count: int = 2) -> Tensor:
    values = model.codes.num_embeddings
    return torch.randint(values, (count, *model.grid), generator=torch.Generator().manual_seed(1))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_position_depends_on_all_positions_before_it_and_on_no_other(grid: tuple[int, int]) -> None:
    """By the gradient of each position's logits with respect to the embedding of every code."""
    model = prior(grid)
    seen: list[Tensor] = []
    model.codes.register_forward_hook(lambda _m, _i, out: seen.append(out.requires_grad_()))
    logits = model(codes(model, 1)).flatten(2)
    for position in range(model.positions):
        (gradient,) = torch.autograd.grad(logits[0, :, position].square().sum(), seen[0], retain_graph=True)
        reached = gradient[0].abs().sum(1) > 0
        assert reached.tolist() == [before < position for before in range(model.positions)]


def test_convolutions_do_not_see_later_positions() -> None:
    model = prior((4, 5))
    x = torch.randn(1, 8, 4, 5, generator=seeded(), requires_grad=True)
    y = model.blocks[0](x).flatten(2)
    for position in range(20):
        (gradient,) = torch.autograd.grad(y[0, :, position].sum(), x, retain_graph=True)
        assert (gradient.flatten(2)[0, :, position + 1 :] == 0).all()
        assert gradient.flatten(2)[0, :, position].abs().sum() > 0


@pytest.mark.parametrize("given", [0, 3])
def test_the_probabilities_of_all_grids_sum_to_one(given: int) -> None:
    model = prior((2, 3), count=2, given=given)
    every = torch.tensor(list(itertools.product(range(2), repeat=6))).view(-1, 2, 3)
    above = torch.tensor([[[2, 0]]]).expand(len(every), -1, -1) if given else None
    with torch.no_grad():
        log_p = -model.nll(every, above).double()
    assert log_p.logsumexp(0).item() == pytest.approx(0, abs=1e-5)
    assert log_p.exp().std() > 1e-3


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("given", [0, 3])
def test_cached_activations_give_the_same_logits(
    grid: tuple[int, int], given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def note(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
        seen.append(logits)
        return draw_code(logits, temperature, generator)

    monkeypatch.setattr("models.layers.autoregressive.draw_code", note)
    model = prior(grid, given=given)
    above = torch.tensor([[[2, 0]], [[1, 1]], [[0, 2]]]) if given else None
    kept, anew = (model.sample(3, above, generator=seeded(), cached=cached) for cached in (True, False))
    assert torch.equal(kept, anew)
    half = len(seen) // 2
    torch.testing.assert_close(torch.stack(seen[:half]), torch.stack(seen[half:]), rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        whole = model(kept, above).flatten(2).movedim(2, 0)
    torch.testing.assert_close(torch.stack(seen[:half]), whole, rtol=1e-4, atol=1e-4)


def test_the_nll_is_the_sum_over_positions() -> None:
    model = prior()
    grid = codes(model)
    total = torch.zeros(2)
    with torch.no_grad():
        for row, column in itertools.product(range(3), range(4)):
            p = model(grid)[:, :, row, column].softmax(1)
            total -= p.gather(1, grid[:, row, column, None])[:, 0].log()
        torch.testing.assert_close(model.nll(grid), total)


def test_samples_follow_the_distribution() -> None:
    model = prior((1, 2), count=3, depth=1)
    drawn = model.sample(20_000, generator=seeded())
    every = torch.tensor(list(itertools.product(range(3), repeat=2))).view(-1, 1, 2)
    with torch.no_grad():
        p = (-model.nll(every)).exp()
    found = torch.bincount((drawn[:, 0, 0] * 3 + drawn[:, 0, 1]), minlength=9) / len(drawn)
    torch.testing.assert_close(found, p, rtol=0, atol=5 * math.sqrt(0.25 / 20_000))


def test_a_lower_temperature_narrows_and_zero_takes_the_likeliest() -> None:
    model = prior()
    likeliest = model.sample(4, generator=seeded(), temperature=0)
    assert len(likeliest.unique(dim=0)) == 1
    with torch.no_grad():
        nll = [
            model.nll(model.sample(200, generator=seeded(), temperature=t)).mean()
            for t in (0.0, 0.5, 1.0, 3.0)
        ]
        assert torch.equal(model(likeliest).argmax(1)[:, 0, 0], likeliest[:, 0, 0])
    assert sorted(nll) == nll
    with pytest.raises(ValueError, match=r"`temperature` must be a finite number of at least 0. Got -1"):
        model.sample(1, temperature=-1)


def test_progress_is_reported_for_each_code() -> None:
    told: list[tuple[int, int]] = []
    prior((2, 3)).sample(1, progress=lambda done, total: told.append((done, total)))
    assert told == [(position, 6) for position in range(1, 7)]


def test_the_coarser_grid_affects_every_position_and_is_required() -> None:
    model = prior((4, 4), given=3)
    grid = codes(model)
    with torch.no_grad():
        one, two = (model(grid, torch.full((2, 2, 2), value)) for value in (0, 1))
    assert ((one - two).abs().sum(1) > 0).all()
    with pytest.raises(ValueError, match="`given` must be the codes of the coarser grid"):
        model(grid)


def test_it_learns_a_rule_that_needs_positions_far_apart() -> None:
    """The last code repeats the first: 6 positions of 2 values have 5 bits, against 6 of independent ones."""
    torch.manual_seed(0)
    model = Autoregressive(2, (2, 3), 16, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    generator = seeded()
    for _ in range(100):
        grid = torch.randint(2, (64, 2, 3), generator=generator)
        grid[:, -1, -1] = grid[:, 0, 0]
        loss = model.nll(grid).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() / math.log(2) < 5.1
