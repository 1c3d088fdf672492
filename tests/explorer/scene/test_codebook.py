"""Codebooks of a trained VQ-VAE-2: codes of the atlas, use, latents and back, looks; and models that have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.scene import codebook
from explorer.scene.codebook import codebooks, grids_of, latents, look_size, looks, requantised
from explorer.scene.loaded import Loaded
from models.data import load_data


def test_codes_are_those_of_the_images_and_use_counts_them(two: Loaded) -> None:
    top, bottom = codebooks(two)
    assert (top.name, top.grid, bottom.name, bottom.grid) == ("top", (2, 2), "bottom", (4, 4))
    images = load_data("digits", "test", limit=300).images
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        own = [level.numpy() for level in two.decoder.model.codes(x)]
    for book, codes in zip((top, bottom), own, strict=True):
        assert book.codes.shape == (400, *book.grid) and book.count == 16 and book.xy.shape == (16, 2)
        np.testing.assert_array_equal(book.codes[:300], codes)
        np.testing.assert_array_equal(book.uses, np.bincount(book.codes.ravel(), minlength=16))
    assert len(np.unique(bottom.codes)) > 3, "the model has learnt to use several codes"
    assert codebooks(two)[0] is top, "kept"


def test_latents_stand_for_codes_and_decode_to_the_same_pictures(two: Loaded) -> None:
    grids = [grids_of(two, item) for item in (0, 7)]
    z = latents(two, grids)
    assert z.shape == (2, two.latent)
    for own, found in zip(grids, requantised(two, z), strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(own, found, strict=True))
    np.testing.assert_array_equal(two.decoder(z), two.decoder(two.atlas.mean[[0, 7]]))
    with pytest.raises(ValueError, match=r"`item` must be one of 0\.\.399"):
        grids_of(two, 400)


def test_a_codes_look_is_the_mean_where_it_is_used(two: Loaded) -> None:
    book = codebooks(two)[1]
    found = looks(two, 1)
    assert found.shape == (16, *look_size(two, 1), 1) == (16, 4, 4, 1)
    assert looks(two, 1) is found, "kept"
    pictures = two.decoder(two.atlas.mean)
    inks = np.array([found[code].mean() for code in range(16)])
    used = np.flatnonzero(book.uses > 20)
    cells = pictures.reshape(400, 4, 2, 4, 2).mean((2, 4))
    means = np.array([cells[book.codes == code].mean() for code in used])
    assert np.corrcoef(inks[used], means)[0, 1] > 0.8, "dark codes look dark, bright ones bright"


def test_unused_codes_have_a_look_too(two: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    top, bottom = codebooks(two)
    never = codebook.Codebook(
        bottom.name, bottom.vectors, bottom.xy, np.zeros_like(bottom.codes), np.eye(16, dtype=int)[0]
    )
    found = codebook._looks(two, (top, never), 1)
    assert found[1:].any((1, 2, 3)).sum() > 5, "drawn in every place at once, not left black"


def test_models_without_codes_or_with_too_many_cells_say_so(
    two: Loaded, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="tiny-vae has no discrete codes"):
        codebooks(loaded)
    monkeypatch.setattr(codebook, "PLACES_AT_MOST", 19)
    with pytest.raises(ValueError, match="two-codes has 20 grid cells; at most 19"):
        codebooks(two)


def test_vectors_on_a_line_are_laid_on_a_line() -> None:
    line = np.arange(4, dtype=np.float32)[:, None]
    assert codebook._plane(line).tolist() == [[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]]
