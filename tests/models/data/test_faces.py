"""Tests of the drawn faces: their factors, their pixels and their cache."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data import faces_cache as cache
from models.data import load_data
from models.data.faces import (
    BINARY,
    CONTINUOUS,
    FACTORS,
    LABELS,
    RANGES,
    SIZES,
    Factors,
    draw,
    factors_of,
    load_faces,
    sample_factors,
)
from models.data.faces_drawing import VERSION, render

MANY = 20_000
COLUMN = {name: k for k, name in enumerate(FACTORS)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and a cache that keeps even a few images."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "KEEP", 20)
    yield tmp_path / "cache"


def distance(a: Factors, b: Factors) -> float:
    """Root of the summed squared difference of two portraits, in units of white."""
    return float(np.sqrt((((draw(a).astype(float) - draw(b)) / 255) ** 2).sum()))


def file_of(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


class TestFactors:
    def test_fields_are_the_factors_in_order(self) -> None:
        assert tuple(Factors.__dataclass_fields__) == CONTINUOUS + BINARY
        assert tuple(RANGES) == CONTINUOUS

    def test_replace_changes_only_what_is_named(self) -> None:
        face = Factors(brow=0.2, hat=True)
        assert face.replace(smile=1.0) == Factors(brow=0.2, hat=True, smile=1.0)

    @pytest.mark.parametrize("value", [1.01, -0.01, float("nan"), float("inf"), "1", None])
    def test_number_out_of_range_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"`smile` must be a number in \[0.0, 1.0\]. Got"):
            Factors().replace(smile=value)  # type: ignore[arg-type]

    def test_head_turns_both_ways_but_not_too_far(self) -> None:
        Factors(head_turn=-1.0)
        with pytest.raises(ValueError, match=r"`head_turn` must be a number in \[-1.0, 1.0\]"):
            Factors(head_turn=-1.1)

    def test_number_for_a_yes_or_no_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"`hat` must be True or False. Got 0.5."):
            Factors(hat=0.5)  # type: ignore[arg-type]

    def test_unknown_factor_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"Unknown factor 'smiel'. Choose from: head_turn, smile"):
            Factors().replace(smiel=1.0)


class TestDrawing:
    def test_one_and_many(self) -> None:
        faces = [Factors(), Factors(beard=True), Factors(light=1.0)]
        stack = draw(faces)
        assert stack.shape == (3, 64, 64, 3) and stack.dtype == np.uint8
        assert draw(faces[1]).shape == (64, 64, 3)
        assert np.array_equal(draw(faces[1]), stack[1])
        assert draw([]).shape == (0, 64, 64, 3)

    def test_anything_else_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"`factors` must be Factors, or a sequence"):
            draw([{"smile": 1.0}])  # type: ignore[list-item]

    def test_pixels_are_those_of_this_version(self) -> None:
        """Whoever changes a pixel raises VERSION, or stale caches would be taken for new ones."""
        pixels = hashlib.sha256(render(sample_factors("test", 100)).tobytes()).hexdigest()
        assert (VERSION, pixels[:16]) == (2, "884f27cb327a59c1")

    def test_picture_does_not_depend_on_its_batch(self) -> None:
        table = sample_factors("test", 70)
        alone = np.concatenate([render(row[None]) for row in table])
        assert np.array_equal(render(table), alone)

    @pytest.mark.parametrize("name", CONTINUOUS)
    def test_continuous_factor_shows_and_moves_smoothly(self, name: str) -> None:
        low, high = RANGES[name]
        table = sample_factors("test", 60, seed=3)
        ends = [table.copy(), table.copy()]
        for end, value in zip(ends, (low, high), strict=True):
            end[:, COLUMN[name]] = value
        whole = (np.diff([render(end) / 255 for end in ends], axis=0) ** 2).sum((2, 3, 4))
        assert whole.min() > 0.5 and np.median(whole) > 8
        # A step of a thousandth of the range moves no edge by more than a fraction of a pixel.
        table[:, COLUMN[name]] = np.minimum(table[:, COLUMN[name]], high - (high - low) / 1000)
        step = table.copy()
        step[:, COLUMN[name]] += (high - low) / 1000
        assert np.abs(render(table).astype(int) - render(step)).max() <= 16

    @pytest.mark.parametrize("name", BINARY)
    def test_yes_or_no_shows(self, name: str) -> None:
        pair = [sample_factors("test", 100, seed=4) for _ in range(2)]
        for value, table in enumerate(pair):
            table[:, COLUMN[name]] = value
        changed = np.abs(render(pair[0]).astype(int) - render(pair[1])).max(-1) > 24
        assert changed.sum((1, 2)).min() >= 12  # pixels

    @pytest.mark.parametrize("covered", ["glasses", "hat", "beard"])
    def test_expression_shows_under_what_covers_the_face(self, covered: str) -> None:
        face = Factors().replace(**{covered: True})
        for name in ("eye_opening", "smile", "mouth_opening", "brow"):
            assert distance(face.replace(**{name: 0.0}), face.replace(**{name: 1.0})) > 1.5

    def test_earrings_show_under_long_hair(self) -> None:
        face = Factors(hair_length=1.0)
        assert distance(face, face.replace(earrings=True)) > 2

    def test_hair_goes_from_dark_to_blond_and_skin_from_light_to_dark(self) -> None:
        hair = [draw(Factors(hair_colour=t))[12, 32].mean() for t in np.linspace(0, 1, 6)]
        skin = [draw(Factors(skin_tone=t))[38, 26].mean() for t in np.linspace(0, 1, 6)]
        assert np.all(np.diff(hair) > 0) and np.all(np.diff(skin) < 0)

    def test_features_run_ahead_of_the_head_when_it_turns(self) -> None:
        """The mouth's red moves further than the outline of the hat, which stays about put."""

        def middle(picture: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> float:
            return float(np.nonzero(chosen)[1].mean())

        moved = {}
        for turn in (-1.0, 1.0):
            face = Factors(head_turn=turn, skin_tone=0.0, hat=True, hair_length=0.0)
            picture = draw(face).astype(int)
            lips = (picture[..., 0] - picture[..., 1] > 90) & (np.arange(64)[:, None] > 36)
            lips &= np.arange(64)[:, None] < 50
            crown = np.abs(picture - draw(face.replace(hat=False))).max(-1) > 24
            moved[turn] = middle(picture, lips), middle(picture, crown)
        lips_move, crown_move = np.subtract(moved[1.0], moved[-1.0])
        assert lips_move > 8 and abs(crown_move) < 3

    def test_light_falls_from_its_side(self) -> None:
        for light in (-1.0, 1.0):
            picture = draw(Factors(light=light)).astype(float).mean(-1)
            left, right = picture[33:48, 20:28].mean(), picture[33:48, 36:44].mean()
            assert (right - left) * light > 15


class TestSampling:
    def test_row_depends_on_seed_split_and_place_only(self) -> None:
        for correlated in (False, True):
            long = sample_factors("train", 500, correlated=correlated)
            assert np.array_equal(sample_factors("train", 37, correlated=correlated), long[:37])
        other = [sample_factors("test", 500), sample_factors("train", 500, seed=1)]
        assert all(np.abs(each - sample_factors("train", 500)).min(0)[:12].max() > 0 for each in other)
        assert not np.isin(sample_factors("test", 500)[:, 0], sample_factors("train", 500)).any()

    def test_independent_factors_use_their_range_and_do_not_correlate(self) -> None:
        table = sample_factors("train", MANY).astype(float)
        for name, (low, high) in RANGES.items():
            column = table[:, COLUMN[name]]
            parts = np.histogram(column, bins=10, range=(low, high))[0]
            assert parts.sum() == MANY and np.abs(parts / MANY - 0.1).max() < 0.012
        correlation = np.corrcoef(table.T) - np.eye(len(FACTORS))
        assert np.abs(correlation).max() < 0.035
        shares = table[:, [COLUMN[name] for name in BINARY]].mean(0)
        assert np.abs(shares - [0.40, 0.35, 0.35, 0.40]).max() < 0.02

    def test_correlated_factors_have_the_documented_chances(self) -> None:
        table = sample_factors("train", MANY, correlated=True)
        face = {name: table[:, k] for name, k in COLUMN.items()}
        short, hat, beard = face["hair_length"] < 0.4, face["hat"] > 0, face["beard"] > 0
        length = face["hair_length"]

        def share(name: str, among: NDArray[np.bool_]) -> float:
            return float(face[name][among].mean())

        assert share("beard", short) == pytest.approx(0.70, abs=0.03)
        assert share("beard", ~short) == pytest.approx(0.08, abs=0.02)
        assert share("hat", hat | ~hat) == pytest.approx(0.35, abs=0.02)
        assert share("glasses", hat) == pytest.approx(0.10, abs=0.02)
        assert share("glasses", ~hat) == pytest.approx(0.55, abs=0.02)
        assert share("earrings", ~beard & (length > 0.9)) == pytest.approx(0.765, abs=0.04)
        assert share("earrings", ~beard & (length < 0.1)) == pytest.approx(0.135, abs=0.06)
        assert share("earrings", beard & short) == pytest.approx(0.06, abs=0.02)
        follows = np.abs(face["mouth_opening"] - 0.8 * face["smile"] - 0.1) <= 0.1 + 1e-6
        assert follows.mean() == pytest.approx(0.7 + 0.3 * 0.2, abs=0.02)
        assert np.all(face["hair_colour"] <= 1 - 0.75 * face["skin_tone"] + 1e-6)
        assert np.corrcoef(face["hair_colour"], face["skin_tone"])[0, 1] < -0.4


class TestLoading:
    def test_images_and_attributes(self) -> None:
        data = load_data("faces", "test", limit=12)
        assert (data.name, data.split, data.publishable) == ("faces", "test", True)
        assert data.images.shape == (12, 64, 64, 3) and data.images.dtype == np.uint8
        assert data.ids.tolist() == list(range(12))
        assert tuple(data.attributes) == FACTORS
        for name in CONTINUOUS:
            assert data.attributes[name].kind == "continuous"
        for name in BINARY:
            assert data.attributes[name].labels == LABELS[name] == (f"no {name}", name)
        assert data.attributes["head_turn"].title == "Head turn"

    def test_every_image_can_be_drawn_again(self) -> None:
        data = load_data("faces", "train", limit=30, correlated=True).take([29, 3, 17])
        again = draw([factors_of(data, k) for k in range(3)])
        assert np.array_equal(again, data.images)

    def test_factors_of_refuses_what_it_can_not_know(self) -> None:
        data = load_data("faces", "test", limit=3)
        with pytest.raises(ValueError, match=r"`index` must be an integer in 0..2. Got 3."):
            factors_of(data, 3)
        with pytest.raises(ValueError, match=r"`data` must be the data set 'faces'. Got 'digits'."):
            factors_of(dataclasses.replace(data, name="digits"), 0)

    def test_sizes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert SIZES == {"train": 20_000, "validation": 2_000, "test": 4_000}
        assert len(load_data("faces", "train", count=5)) == 5
        assert len(load_data("faces", "train", count=5, limit=9)) == 5
        monkeypatch.setitem(SIZES, "test", 7)
        assert len(load_data("faces", "test")) == 7

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"seed": -1}, "`seed` must be an integer of at least 0. Got -1."),
            ({"seed": True}, "`seed` must be an integer of at least 0. Got True."),
            ({"count": 0}, "`count` must be an integer of at least 1. Got 0."),
            ({"limit": 2.5}, "`limit` must be an integer of at least 1. Got 2.5."),
            ({"correlated": 1}, "`correlated` must be True or False. Got 1."),
            ({"split": "valid"}, "`split` must be one of: train, validation, test. Got 'valid'."),
        ],
    )
    def test_wrong_options_are_refused(self, options: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError) as caught:
            load_faces(**options)  # type: ignore[arg-type]
        assert str(caught.value) == message


class TestCache:
    def test_second_load_draws_almost_nothing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = load_data("faces", count=100)
        drawn: list[int] = []

        def counted(table: NDArray[np.float32]) -> NDArray[np.uint8]:
            drawn.append(len(table))
            return render(table)

        monkeypatch.setattr(cache, "render", counted)
        second = load_data("faces", count=100)
        assert isinstance(second.images, np.memmap) and not second.images.flags.writeable
        assert np.array_equal(first.images, second.images)
        assert sum(drawn) == cache.CHECKED
        assert [path.suffix for path in folder.iterdir()] == [".npy"]

    def test_a_longer_file_serves_and_a_shorter_one_is_continued(self, folder: Path) -> None:
        whole = render(sample_factors("train", 90))
        assert np.array_equal(load_data("faces", limit=40).images, whole[:40])
        assert np.array_equal(load_data("faces", limit=90).images, whole)
        assert file_of(folder).stem.endswith("-90")
        assert np.array_equal(load_data("faces", limit=30).images, whole[:30])
        assert file_of(folder).stem.endswith("-90")

    def test_options_have_files_of_their_own(self, folder: Path) -> None:
        variants = [{}, {"seed": 1}, {"correlated": True}, {"split": "test"}]
        pictures = [load_faces(limit=25, **options).images for options in variants]  # type: ignore[arg-type]
        assert len(list(folder.iterdir())) == 4
        assert len({picture.tobytes() for picture in map(np.array, pictures)}) == 4

    def test_few_images_leave_no_file(self, folder: Path) -> None:
        load_data("faces", limit=19)
        assert not folder.exists()

    @pytest.mark.parametrize("damage", ["truncated", "empty", "text", "zeros", "pickle", "shape"])
    def test_damaged_file_is_drawn_again_with_a_note(self, folder: Path, damage: str) -> None:
        whole = np.array(load_data("faces", limit=50).images)
        path = file_of(folder)
        content = path.read_bytes()
        if damage == "truncated":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "text":
            path.write_bytes(b"not a picture" * 100)
        elif damage == "zeros":
            path.write_bytes(content[:200_000] + bytes(len(content) - 200_000))
        elif damage == "pickle":
            np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        else:
            np.save(path, whole[:49])
        with pytest.warns(RuntimeWarning, match=r"faces-train-.*The faces are drawn again"):
            again = load_data("faces", limit=50)
        assert np.array_equal(again.images, whole)
        assert np.array_equal(load_data("faces", limit=50).images, whole)  # and no note any more

    def test_broken_off_drawing_leaves_no_file(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(table: NDArray[np.float32]) -> NDArray[np.uint8]:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(cache, "render", stop)
            with pytest.raises(KeyboardInterrupt):
                load_data("faces", limit=50)
        assert list(folder.iterdir()) == []

    def test_folder_that_can_not_be_written_costs_only_time(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.write_text("a file where the folder should be")
        with pytest.warns(RuntimeWarning, match=r"The faces are not cached. .*LATENT_CACHE_DIR"):
            data = load_data("faces", limit=25)
        assert np.array_equal(data.images, render(sample_factors("train", 25)))
