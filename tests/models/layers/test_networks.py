"""Tests of the networks: sizes of every kind, even and odd, square and not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.networks import (
    NETWORKS,
    conv_decoder,
    conv_encoder,
    grid_of,
    make_decoder,
    make_encoder,
    mlp,
    patch_of,
)

SHAPES = [
    (1, 8, 8),
    (3, 9, 8),
    (1, 13, 21),
    (3, 8, 64),
    (1, 28, 28),
    (1, 33, 31),
    (3, 63, 64),
    (3, 64, 64),
    (4, 100, 77),
    (2, 256, 40),
]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("depth", [1, 2])
def test_encoder_and_decoder_mirror_each_other(kind: str, shape: tuple[int, int, int], depth: int) -> None:
    encoder, decoder = make_encoder(kind, shape, 4, depth, 6), make_decoder(kind, shape, 4, depth, 3)
    assert encoder(torch.rand(2, *shape)).shape == (2, 6)
    assert decoder(torch.rand(2, 3)).shape == (2, *shape)


@pytest.mark.parametrize("side", [8, 16, 28, 32, 64])
def test_convolutions_halve_down_to_four_pixels(side: int) -> None:
    network = conv_encoder((1, side, side), 4, 0, 5)
    halved = network[:-2](torch.rand(1, 1, side, side))
    assert halved.shape[2:] == (4, 4)
    assert halved.shape[1] <= 16  # four times the width


def test_depth_adds_residual_blocks_only_where_the_image_is_small() -> None:
    def blocks(network: nn.Sequential) -> int:
        return sum(type(layer).__name__ == "Residual" for layer in network)

    assert blocks(conv_encoder((3, 64, 64), 4, 0, 2)) == 0
    assert blocks(conv_encoder((3, 64, 64), 4, 3, 2)) == 9  # at 16, 8 and 4 pixels
    assert blocks(conv_decoder((3, 64, 64), 4, 3, 2)) == 9


def test_an_mlp_is_linear_at_its_end() -> None:
    layers = [type(layer) for layer in mlp([4, 3, 2])]
    assert layers == [nn.Linear, nn.Tanh, nn.Linear]


@pytest.mark.parametrize("make", [make_encoder, make_decoder])
def test_an_unknown_network_is_refused(make: type) -> None:
    with pytest.raises(ValueError, match=r"Unknown network 'unet'. Choose one of: conv, mlp, patch."):
        make("unet", (1, 8, 8), 4, 1, 2)


@pytest.mark.parametrize(
    ("shape", "grid", "expected"),
    [
        ((3, 64, 64), 8, (8, 8)),
        ((1, 100, 77), 8, (7, 5)),
        ((4, 256, 256), 16, (16, 16)),
        ((3, 9, 8), 4, (3, 2)),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["conv", "patch"])
def test_a_spatial_latent_has_at_most_the_given_positions(
    kind: str, shape: tuple[int, int, int], grid: int, expected: tuple[int, int]
) -> None:
    rows, columns = grid_of(kind, shape, grid)
    assert (rows, columns) == expected
    assert make_encoder(kind, shape, 4, 1, 6, grid=grid)(torch.rand(2, *shape)).shape == (
        2,
        6 * rows * columns,
    )
    assert make_decoder(kind, shape, 4, 1, 3, grid=grid)(torch.rand(2, 3 * rows * columns)).shape == (
        2,
        *shape,
    )


def test_a_position_of_a_spatial_latent_decodes_to_its_part_of_the_image() -> None:
    torch.manual_seed(0)
    decoder = make_decoder("patch", (1, 64, 64), 4, 0, 2, grid=8).eval()
    z = torch.zeros(2, 2, 8, 8)
    z[1, :, 1, 6] = 3.0
    changed = (torch.diff(decoder(z.flatten(1)), dim=0)[0, 0] != 0).nonzero()
    assert (
        changed[:, 0].max() < 32 and changed[:, 1].min() >= 32
    )  # two 3x3 convolutions: two places around it


def test_patches_give_a_grid_of_4_to_16_positions() -> None:
    for side in range(8, 257):
        places = -(-side // patch_of((3, side, 8)))
        assert 4 <= places <= 16
