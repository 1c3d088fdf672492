"""Tests of the VQ-VAE-2: both levels are used, and the bottom is conditioned on the top throughout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.layers.quantiser import Quantised, Quantiser
from models.vq_vae_2 import VQVAE2, VQVAE2Config

SMALL: dict[str, Any] = {
    "latent": 3,
    "codebook": 8,
    "halvings": 1,
    "width": 4,
    "prior_width": 8,
    "prior_depth": 1,
}


def two_levels(steps: int = 3) -> VQVAE2:
    torch.manual_seed(0)
    model = VQVAE2(VQVAE2Config((1, 8, 12), likelihood="bernoulli", **SMALL)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(steps):
        optimizer.zero_grad()
        model.loss(images(), generator=seeded(step)).total.backward()
        optimizer.step()
    return model.eval()


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 8, 12, generator=seeded(7))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_top_level_is_first_and_has_half_the_rows_and_columns() -> None:
    model = two_levels()
    top, bottom = model.spec.levels
    assert (top.name, top.shape) == ("top", (3, 2, 3)) and (bottom.name, bottom.shape) == (
        "bottom",
        (3, 4, 6),
    )
    assert model.spec.shape == (3 * 6 + 3 * 24,)
    z, x = model.encode(images()).mean, images()
    fine = model.encoder["fine"](x)
    assert torch.equal(z[:, :18].view(-1, *top.shape), model.encoder["top"](fine))
    assert [codes.shape[1:] for codes in model.codes(x)] == [(2, 3), (4, 6)]
    torch.testing.assert_close(model.decode(model.embed(model.codes(x))), model.decode(z), rtol=0, atol=1e-6)


def test_the_vectors_of_the_bottom_depend_on_the_codes_of_the_top() -> None:
    model, x = two_levels(), images()

    def shifted(quantiser: Quantiser, z: Tensor) -> Quantised:
        found = quantiser(z)
        if z.shape[2:] != (2, 3):
            return found
        codes = (found.codes + 1) % 8
        return Quantised(z, codes, quantiser.embed(codes))

    plain, other = model.quantise(x, Quantiser.forward), model.quantise(x, shifted)
    assert torch.equal(plain[0].vectors, other[0].vectors)
    assert ((plain[1].vectors - other[1].vectors).abs().sum(1) > 0).float().mean() > 0.9


def test_the_picture_needs_both_levels() -> None:
    model = two_levels()
    top, bottom = model.codes(images())
    whole = model.decode(model.embed([top, bottom]))
    for codes in ([(top + 1) % 8, bottom], [top, (bottom + 1) % 8]):
        assert not torch.equal(model.decode(model.embed(codes)), whole)


def test_the_prior_of_the_bottom_is_conditioned_on_the_top() -> None:
    model = two_levels()
    top, bottom = model.codes(images())
    of_top, of_bottom = model.code_nll([top, bottom])
    other_top, other_bottom = model.code_nll([(top + 1) % 8, bottom])
    assert not torch.equal(of_top, other_top) and (of_bottom != other_bottom).all()
    torch.testing.assert_close(model.loss(images()).terms["kl"], (of_top + of_bottom).mean())
    assert set(model.loss(images()).metrics) == {
        "perplexity top",
        "codes used top",
        "perplexity bottom",
        "codes used bottom",
    }


def test_the_bottom_can_be_drawn_for_a_given_top() -> None:
    model, told = two_levels(), []
    top, _ = model.codes(images(2))
    drawn = model.sample_codes(2, seeded(), above=[top], progress=lambda *at: told.append(at))
    assert torch.equal(drawn[0], top) and drawn[1].shape == (2, 4, 6)
    assert torch.equal(drawn[1], model.prior(1).sample(2, top, generator=seeded()))
    assert told[0] == (1, 24) and told[-1] == (24, 24)
    told.clear()
    model.sample(1, seeded(), progress=lambda *at: told.append(at))
    assert told == [(place, 30) for place in range(1, 31)]


def test_gradients_reach_both_encoders_through_both_levels() -> None:
    model = two_levels(1).train()
    model.zero_grad()
    model.loss(images(), generator=seeded()).terms["reconstruction"].backward()
    for name, parameter in model.named_parameters():
        if not name.startswith("priors"):
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
