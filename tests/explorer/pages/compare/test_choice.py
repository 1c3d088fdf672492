"""The choice of models to compare, and the suggested series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.pages.compare.choice import by_data, first_choice, kind, ladders, latent, ready_series
from models.card import Card, Entry


def entry(name: str, model: str, size: int, data: str = "mnist", **options: Any) -> Entry:
    about = {"name": data, "options": options}
    return Entry(
        name, Path(name), Card(name, name, model, {"image_shape": [1, 8, 8], "latent": size}, about, "0" * 64)
    )


ZOO = [
    entry("vae-2", "vae", 2),
    entry("vae-20", "vae", 20),
    entry("vae-5", "vae", 5),
    entry("vae-10", "vae", 10),
    entry("ae", "ae", 20),
    entry("pca", "pca", 20),
    entry("dae", "dae", 20),
    entry("contractive", "contractive-ae", 20),
]


def titles(entries: list[Entry]) -> dict[str, tuple[str, ...]]:
    return {series.title: series.names for series in ready_series("MNIST", entries)}


def test_the_last_chosen_checkpoint_is_among_the_first() -> None:
    faces = [entry("f1", "vae", 8, "faces"), entry("f2", "beta-vae", 8, "faces")]
    groups = by_data([*faces, *ZOO])
    assert first_choice(groups, "f2") == ("f2", "f1")
    chosen = first_choice(groups, "dae")
    assert chosen[0] == "dae" and set(chosen) in [set(names) for names in titles(ZOO).values()]
    assert first_choice(groups, "gone") == first_choice(groups)


def test_a_model_is_named_by_its_family() -> None:
    assert kind(ZOO[4].card) == "AE"


def test_models_are_grouped_by_data_set_largest_first() -> None:
    lonely = entry("frey", "vae", 2, "frey-faces")
    faces = [entry("f1", "vae", 8, "faces"), entry("f2", "beta-vae", 8, "faces")]
    broken = Entry("rotten", Path("rotten"), error="no atlas")
    groups = by_data([lonely, *faces, broken, *ZOO])
    assert list(groups) == ["MNIST", "Faces"]
    assert {found.name for found in groups["Faces"]} == {"f1", "f2"}


def test_other_options_of_a_data_set_are_other_images() -> None:
    assert by_data([entry("a", "vae", 2, seed=1), entry("b", "vae", 3, seed=2)]) == {}
    same = by_data([entry("a", "vae", 2, seed=1), entry("b", "vae", 3, seed=1)])
    assert list(same) == ["MNIST (seed 1)"]


def test_a_ladder_is_one_kind_in_several_sizes() -> None:
    (ladder,) = ladders(ZOO)
    assert [latent(step.card) for step in ladder] == [2, 5, 10, 20]
    assert ladders(ZOO[4:]) == []
    assert ladders([ZOO[0], entry("vae-2b", "vae", 2)]) == []


def test_the_suggested_series_are_those_of_the_tutorials() -> None:
    found = titles(by_data(ZOO)["MNIST"])
    assert found["VAE with 2, 5, 10 and 20 dimensions"] == ("vae-2", "vae-5", "vae-10", "vae-20")
    assert found["VAE and Denoising AE"] == ("vae-20", "dae"), "latents of the same size"
    assert found["AE and PCA"] == ("ae", "pca")
    assert found["Autoencoders without a prior"] == ("ae", "dae", "contractive")
    assert len(found["One of each family on MNIST"]) == 5
    assert all(2 <= len(names) <= 6 for names in found.values())
    assert len(set(found.values())) == len(found), "no set of models twice"


def test_few_models_are_all_shown_together_and_no_set_is_offered_twice() -> None:
    assert titles([entry("a", "vae", 3), entry("b", "ae", 3), entry("c", "pca", 3)]) == {
        "VAE and AE": ("a", "b"),
        "AE and PCA": ("b", "c"),
        "All models on MNIST": ("a", "b", "c"),
    }
    variational = [entry("a", "vae", 3), entry("b", "iwae", 3), entry("c", "capacity-vae", 3)]
    assert titles(variational)["Variational autoencoders"] == ("a", "b", "c")
    assert "All models on MNIST" not in titles(variational)
    assert titles([]) == {}


def test_the_first_choice_is_the_largest_groups_first_series() -> None:
    assert first_choice(by_data(ZOO)) == ("vae-2", "vae-5", "vae-10", "vae-20")
    assert first_choice({}) == ()
