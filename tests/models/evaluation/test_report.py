"""Tests of RESULTS.md: each kind of bar, what is said where nothing was measured, and the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ttest_ind

from models import checkpoint
from models.__main__ import main
from models.card import Card, Entry
from models.evaluation.evaluate import Wanted
from models.evaluation.report import (
    BARS,
    Bar,
    Published,
    bundled,
    evaluate_all,
    judge,
    report,
    wanted,
)

PROTOCOL = "importance sampling, 5000 samples, pixels drawn as 0 or 1, mnist test, 10000 images, seed 0"


def card(name: str, config: dict[str, Any] | None = None, **measured: float | list[float]) -> Card:
    metrics: dict[str, Any] = {}
    for key, value in measured.items():
        values = value if isinstance(value, list) else [value]
        metrics[key] = {
            "value": values[0],
            "unit": "nats/image",
            "protocol": PROTOCOL,
            "command": f"measure {name}",
        }
        metrics[key] |= {"values": values} if isinstance(value, list) else {}
    return Card(
        name, name, "vae", {"latent": 50} | (config or {}), {"name": "mnist"}, "0" * 64, metrics=metrics
    )


def cards(*each: Card) -> dict[str, Card]:
    return {one.name: one for one in each}


@pytest.mark.parametrize(
    ("bar", "value", "met"),
    [
        (Bar("a", "f", 87.75), 87.75, "yes"),
        (Bar("a", "f", 87.75), 87.76, "**no**"),
        (Bar("a", "f", 0.5, "least"), 0.5, "yes"),
        (Bar("a", "f", 0.5, "least"), 0.4, "**no**"),
        (Bar("a", "f", 1, "near", of="capacity"), 24.1, "yes"),
        (Bar("a", "f", 1, "near", of="capacity"), 26.1, "**no**"),
        (Bar("a", "f", 0.2, "near", of="capacity", share=True), 29.9, "yes"),
        (Bar("a", "f", 0.2, "near", of="capacity", share=True), 19.9, "**no**"),
        (Bar("a", "f", 0.4, beside="b"), 3.99, "yes"),
        (Bar("a", "f", 0.4, beside="b"), 4.01, "**no**"),
        (Bar("a", "f", 1, "least", beside="b"), 10.1, "yes"),
        (Bar("a", "f", 87.75, seeds=3), 80.0, "yes, 1 of 3 seeds"),
    ],
)
def test_a_metric_is_held_against_its_bar(bar: Bar, value: float, met: str) -> None:
    assert judge(bar, cards(card("a", {"capacity": 25.0}, f=value), card("b", f=10.0))).met == met


def test_of_several_seeds_the_mean_counts_and_the_spread_is_shown() -> None:
    judged = judge(Bar("a", "f", 2.0, seeds=3), cards(card("a", f=[1.0, 2.0, 3.0])))
    assert judged.ours == "2 ± 1 (3 seeds)" and judged.met == "yes"
    assert judge(Bar("a", "f", 1.9), cards(card("a", f=[1.0, 2.0, 3.0]))).met == "**no**"


@pytest.mark.parametrize(
    "bar",
    [Bar("c", "f", 1), Bar("a", "g", 1), Bar("a", "f", 1, beside="c"), Bar("a", "f", 1, "near", of="x")],
)
def test_what_was_not_measured_is_not_judged(bar: Bar) -> None:
    assert judge(bar, cards(card("a", f=0.5))).met == "not measured"


def test_a_metric_of_fewer_images_or_samples_is_not_judged() -> None:
    few = card("mnist-vae", nll=80.0)
    bar = next(bar for bar in BARS if bar.checkpoint == "mnist-vae")
    assert judge(bar, cards(few)).met == "yes"
    for old, new in (
        ("10000 images", "500 images"),
        ("5000 samples", "500 samples"),
        ("drawn as 0 or 1", "grey"),
    ):
        metric = few.metrics["nll"] | {"protocol": PROTOCOL.replace(old, new)}
        assert judge(bar, cards(replace(few, metrics={"nll": metric}))).met == "another protocol"


def test_the_report_names_protocol_command_and_source() -> None:
    entries = [
        Entry(one.name, Path(one.name), one)
        for one in (
            card("mnist-vae", nll=87.123456, elbo=-91.5),
            card("mnist-iwae", {"samples": 5}, nll=86.0),
        )
    ]
    text = report(entries)
    line = next(line for line in text.splitlines() if line.startswith("| mnist-vae | nll"))
    assert "| 87.12 | ≤ 87.75 | yes |" in line and line.endswith("| [1] |")
    assert "86.76 ([Burda et al. 2015, k = 1](https://arxiv.org/abs/1509.00519))" in line
    assert f"1. {PROTOCOL}: `measure mnist-vae`" in text
    assert "k = 5]" in text and "k = 50]" not in text, "only the bar of its configuration"
    assert "| mnist-vae | mnist | 50 | – |" in text
    assert "| mnist-dae | restored_error | – | ≤ mnist-ae | not measured |" in text


def test_missed_bars_of_ours_stay_as_first_set_and_say_no() -> None:
    known = {entry.name: entry.card for entry in bundled() if entry.card}
    for name, limit in (("mnist-dae", 2.2), ("mnist-k-sparse-ae", 1.8)):
        bar = next(bar for bar in BARS if (bar.checkpoint, bar.metric) == (name, "probe_error_digit"))
        assert bar.limit == limit and judge(bar, known).met == "**no**"


def test_another_model_is_beaten_only_where_the_seeds_say_so() -> None:
    bar = Bar("a", "f", 1.0, "least", beside="b", seeds=3)
    near = cards(card("a", f=[0.094, 0.034, 0.111]), card("b", f=[0.027, 0.055, 0.049]))
    assert judge(bar, near).met.startswith("**no**, not significant over the seeds (p = 0.1")
    p_value = ttest_ind([0.094, 0.034, 0.111], [0.027, 0.055, 0.049], equal_var=False, alternative="greater")
    assert f"p = {p_value.pvalue:.2f}" in judge(bar, near).met
    far = cards(card("a", f=[0.9, 0.91, 0.92]), card("b", f=[0.1, 0.11, 0.12]))
    assert judge(bar, far).met == "yes"


def test_runs_that_a_clone_lacks_are_named_with_the_command_that_trains_them() -> None:
    made = replace(
        card("mnist-dae", probe_error_digit=[2.7, 2.4, 2.7]),
        command="python -m models train dae --out checkpoints/mnist-dae --title 'A b' --data mnist && more",
    )
    made.metrics["probe_error_digit"]["command"] = "measure mnist-dae --seeds runs/mnist-dae-seed1 --write"
    text = report([Entry("mnist-dae", Path("mnist-dae"), made)])
    assert "`measure mnist-dae --seeds runs/mnist-dae-seed1 --write` (needs the runs below)" in text
    assert "- `python -m models train dae --data mnist --seed 1 --out runs/mnist-dae-seed1`" in text


def test_scores_stand_beside_pca_and_an_untrained_encoder() -> None:
    own = card(
        "faces-beta-vae",
        mig=[0.08, 0.09],
        mig_pca=[0.094, 0.095],
        mig_untrained=[0.01, 0.02],
        sap=0.1,
        beta_vae=[0.5, 0.51],
        beta_vae_pca=[0.3, 0.31],
        beta_vae_untrained=[0.2, 0.21],
    )
    text = report([Entry("faces-beta-vae", Path("faces-beta-vae"), own)])
    row = next(line for line in text.splitlines() if line.startswith("| faces-beta-vae | mig | 0.085 ±"))
    assert row.endswith("| 0.0945 ± 0.0007071 (2 seeds) | 0.015 ± 0.007071 (2 seeds) | no |")
    row = next(line for line in text.splitlines() if line.startswith("| faces-beta-vae | beta_vae | 0.505"))
    assert row.endswith("| yes |")
    assert "| faces-beta-vae | sap |" not in text, "not measured beside them"


def test_two_levels_stand_beside_one_and_films_beside_copying() -> None:
    two, one = [0.001, 0.0011], [0.003, 0.0031]
    vq = card("faces-vq-vae-2", mse_two_levels=two, mse_one_level=one, psnr_one_level=[25.0, 25.1])
    vq.metrics["mse_one_level"] |= {"protocol": "decoded; vq-vae of 9 numbers", "trained": "train vq-vae"}
    frey = card("frey-vae-2d", mse=0.003, mse_nearest=0.002, mse_blocks=[0.005], mse_nearest_blocks=[0.006])
    text = report([Entry(one.name, Path(one.name), one) for one in (vq, frey)])
    assert "| one level | vq-vae of 9 numbers | 0.00305 ± 0.000071 (2 seeds) | 25.05 ±" in text
    assert text.count("| yes |\n| one level |") == 1 and "- `train vq-vae`" in text
    assert "| frey-vae-2d | as bundled | 0.003 | 0.002 | – | – |" in text
    assert "| frey-vae-2d | contiguous blocks, no padding | 0.005 | 0.006 | – | – |" in text
    vq.metrics["mse_two_levels"]["values"] = vq.metrics["mse_one_level"]["values"] = [0.002]
    assert "not said of one seed" in report([Entry("faces-vq-vae-2", Path("faces-vq-vae-2"), vq)])


def test_likelihoods_of_different_pixels_share_no_table() -> None:
    kinds = {"a": "binarised-bernoulli", "b": "bernoulli", "c": "learnt-gaussian"}
    made = [card(name, {"likelihood": kind}, elbo=-90.0) for name, kind in kinds.items()]
    text = report([Entry(one.name, Path(one.name), one) for one in [*made, card("d", bits_per_dim=1.2)]])
    tables = text.partition("## Likelihoods")[2].split("### ")[1:]
    assert [table.splitlines()[4].split(" | ")[0] for table in tables] == ["| a", "| b", "| c", "| d"]


def test_a_recalled_metric_is_never_shown_as_confirmed() -> None:
    assert str(Published(3, "a paper", "https://a.b", False)).endswith("*recalled*")
    assert "recalled" not in str(Published(3, "a paper", "https://a.b", True))
    recalled = {each.value for bar in BARS for each in bar.published if not each.confirmed}
    assert recalled == {85.54, 84.78, 3.0, 13.87, 1.35, 1.05, 1.06}


def test_what_the_bars_ask_for() -> None:
    assert wanted("mnist-vae") == Wanted(samples=5000)
    assert wanted("mnist-dae") == Wanted(probe=True)
    assert wanted("faces-beta-vae") == wanted("faces-vae-10d") == Wanted(disentanglement=True)
    assert wanted("mnist-pca") == Wanted()


def test_all_bundled_checkpoints_are_measured_with_what_they_offer(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tiny VAE of the digits has classes and a likelihood, but its one factor is no disentanglement."""
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    out = copy_of_tiny.parent / "RESULTS.md"
    assert (
        main(
            [
                "evaluate",
                "--all",
                "--limit",
                "20",
                "--samples",
                "3",
                "--disentanglement",
                "--report",
                str(out),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.startswith("tiny-vae\nmse ")
    metrics = checkpoint.read(copy_of_tiny).card.metrics  # type: ignore[union-attr]
    assert "nll" in metrics and "mig" not in metrics and "probe_error_digit" not in metrics
    assert metrics["nll"]["command"] == "python -m models evaluate tiny-vae --samples 3 --limit 20 --write"
    assert "| tiny-vae | digits | 4 |" in out.read_text()


def test_runs_of_other_seeds_are_found_by_their_name(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = copy_of_tiny.parent.parent / "runs"
    copy = Path(shutil.copytree(copy_of_tiny, runs / "tiny-vae-seed7"))
    values = json.loads((copy / "card.json").read_text()) | {"name": "tiny-vae-seed7"}
    values["training"]["seed"] = 7
    (copy / "card.json").write_text(json.dumps(values))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{copy_of_tiny.parent}:{runs}")
    [(name, metrics)] = evaluate_all(Wanted(), limit=5)
    assert name == "tiny-vae" and len(metrics["mse"]["values"]) == 2
    assert metrics["mse"]["command"].endswith("--seeds tiny-vae-seed7 --write")


def test_a_report_alone_measures_nothing(
    tiny_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "RESULTS.md"
    assert main(["evaluate", "--report", str(out)]) == 0
    assert "| tiny-vae | digits | 4 | – |" in out.read_text()
    said = capsys.readouterr()
    assert said.out == "" and said.err == f"Wrote {out}.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a checkpoint"),
        (["tiny-vae", "--all"], "Name a checkpoint"),
        (["tiny-vae", "--split", "train"], "`split` must be one of: validation, test. Got 'train'"),
        (["tiny-vae", "--split", "validation", "--write"], "A card keeps metrics of the test split alone."),
        (["--all", "--split", "validation"], "`--split` belongs to one checkpoint"),
        (["--all", "--beside", "a=b"], "`--beside` belongs to one checkpoint"),
        (["tiny-vae", "--beside", "a"], "`--beside` must have the form LABEL=RUN. Got 'a'."),
        (["tiny-vae", "--beside", "A b=tiny-vae"], "`beside` must have labels that match"),
        (["--all", "--seeds", "a"], "`--seeds` belongs to one checkpoint"),
        (["--all", "--only", "probe"], "`--only` belongs to one checkpoint"),
        (
            ["tiny-vae", "--only", "codebook"],
            "`only` must name what can be measured of tiny-vae: reconstruction",
        ),
        (["tiny-vae", "--samples", "0"], "at least 1 image and 1 sample"),
        (["tiny-vae", "--seeds", "nothing"], "Unknown checkpoint 'nothing'"),
    ],
)
def test_a_line_that_asks_for_nothing_sensible_is_refused(
    arguments: list[str], message: str, tiny_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == 1
    assert message in capsys.readouterr().err
