"""Tests of TensorBoard's projector: its configuration, and the files of vectors, metadata and sprites that it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.embeddings.projector import _parsed
from models.embeddings.reading import read_embeddings

COUNT, SIZE = 5, 3
VECTORS = np.random.default_rng(1).normal(size=(COUNT, SIZE)).astype(np.float32)
CONFIG = """# made by a summary writer
embeddings {
  tensor_name: "default:00000"
  tensor_path: '00000/tensors.tsv'
  metadata_path: "00000/metadata.tsv",
  sprite < image_path: "00000/sprite.png" single_image_dim: [8] single_image_dim: 9 >
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a summary writer leaves it; picture n of the sprite has the grey level 10 n."""
    inner = tmp_path / "00000"
    inner.mkdir()
    np.savetxt(inner / "tensors.tsv", VECTORS, delimiter="\t")
    (inner / "metadata.tsv").write_text("Art\tKöper\n" + "".join(f"a{n % 2}\t{n}\n" for n in range(COUNT)))
    sheet = np.zeros((2 * 9, 3 * 8), np.uint8)
    for n in range(COUNT):
        sheet[n // 3 * 9 : n // 3 * 9 + 9, n % 3 * 8 : n % 3 * 8 + 8] = 10 * n
    Image.fromarray(sheet).save(inner / "sprite.png")
    (tmp_path / "projector_config.pbtxt").write_text(CONFIG)
    return tmp_path


def test_vectors_metadata_and_sprites_are_read(folder: Path) -> None:
    for path in (folder, folder / "projector_config.pbtxt"):
        found = read_embeddings(path)
        np.testing.assert_allclose(found.vectors, VECTORS, rtol=1e-6)
        assert found.columns == {"Art": ["a0", "a1"] * 2 + ["a0"], "Köper": [str(n) for n in range(COUNT)]}
        assert found.pictures is not None and found.pictures.shape == (COUNT, 9, 8, 1)
        for n in range(COUNT):
            assert (found.pictures[n] == 10 * n).all()


def test_a_single_column_of_metadata_has_no_header(folder: Path) -> None:
    (folder / "00000/metadata.tsv").write_text("five\r\n" + "six\r\n" * (COUNT - 1))
    assert read_embeddings(folder).columns == {"label": ["five"] + ["six"] * (COUNT - 1)}
    (folder / "00000/metadata.tsv").write_text("five\n")
    with pytest.raises(ValueError, match=r"a row for each of 5 vectors\. Got 1"):
        read_embeddings(folder)


def test_vectors_may_be_bytes_of_a_given_shape(folder: Path) -> None:
    VECTORS.astype("<f4").tofile(folder / "t.bytes")
    config = folder / "projector_config.pbtxt"
    config.write_text('embeddings { tensor_path: "t.bytes" tensor_shape: 5 tensor_shape: 3 } embeddings {}')
    found = read_embeddings(config)
    np.testing.assert_array_equal(found.vectors, VECTORS)
    assert found.pictures is None and found.notes == ("Of 2 embeddings, '' is read.",)
    config.write_text('embeddings { tensor_path: "t.bytes" tensor_shape: [5, 4] }')
    with pytest.raises(ValueError, match=r"must hold 5×4 numbers of 32 bits\. Got 60 bytes"):
        read_embeddings(config)


def test_the_text_format_is_parsed() -> None:
    assert _parsed('a: "x\\"\\303\\244\\n" # b: 1\n c { d: -1.5 e: { } }, c: <>; f: [1, 2]', "it") == {
        "a": ['x"ä\n'],
        "c": [{"d": ["-1.5"], "e": [{}]}, {}],
        "f": ["1", "2"],
    }


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("", "must name a file of vectors"),
        ('embeddings { tensor_name: "w" }', "inside a TensorFlow checkpoint are not read"),
        ('embeddings { tensor_path: "/etc/passwd" }', "must name files in its own folder"),
        ('embeddings { tensor_path: "../x.tsv" }', "must name files in its own folder"),
        ('embeddings { tensor_path: "x.tsv" }', "is missing, which"),
        ('embeddings { tensor_path: "projector_config.pbtxt" }', "`tensor_shape` must be 2 whole numbers"),
        ("embeddings { ", "is not a projector configuration: it ends too early"),
        ("embeddings: ", "is not a projector configuration: it ends too early"),
        ('a: "', "a text is not closed"),
        ("a {" * 20, "it is nested too deeply"),
        ("{}", "a field must have a name"),
    ],
)
def test_an_invalid_configuration_is_refused(folder: Path, config: str, reason: str) -> None:
    (folder / "projector_config.pbtxt").write_text(config)
    with pytest.raises(ValueError, match=reason):
        read_embeddings(folder)


@pytest.mark.parametrize(
    ("sprite", "reason"),
    [
        ("single_image_dim: 8", "`single_image_dim` must be 2 whole numbers"),
        ("single_image_dim: [8, 400]", r"must lie in 8\.\.256 pixels\. Got 8×400"),
        ("single_image_dim: [12, 9]", r"must hold 5 pictures of 12×9 pixels\. Got room for 4"),
    ],
)
def test_a_sprite_that_does_not_fit_is_refused(folder: Path, sprite: str, reason: str) -> None:
    (folder / "projector_config.pbtxt").write_text(
        f'embeddings {{ tensor_path: "00000/tensors.tsv" sprite {{ image_path: "00000/sprite.png" {sprite} }} }}'
    )
    with pytest.raises(ValueError, match=reason):
        read_embeddings(folder)


def test_text_in_a_file_of_vectors_is_refused(folder: Path) -> None:
    (folder / "00000/tensors.tsv").write_text("1\t2\n1\tx\n")
    with pytest.raises(ValueError, match=r"tensors\.tsv must hold numbers separated by tabs"):
        read_embeddings(folder)
