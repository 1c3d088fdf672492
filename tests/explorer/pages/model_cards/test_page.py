"""The Models page: cards, details of a checkpoint, training form, runs, model families."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.catalogue import families
from explorer.catalogue.curves import Curves
from explorer.jobs import trainings
from explorer.jobs.trainings import RunInfo, Trainings
from explorer.pages.model_cards import cards, training
from models import MODELS, checkpoint
from models.card import CARD, write_card
from models.data import DATASETS, OWN
from models.training.train import Run

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "model_cards" / "page.py"
Open = Callable[..., AppTest]
FIGURES = {
    "psnr": {"value": 21.54, "unit": "dB", "protocol": "test, <b>300</b> images", "command": "x"},
    "loss": {"value": -12.25, "unit": "nats/image", "protocol": "1 sample", "command": "x"},
    "linear_probe_error": {"value": 0.15, "unit": "share", "protocol": "probe", "command": "x"},
}


@pytest.fixture
def open_models() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=120)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


@pytest.fixture
def runs(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """An empty folder of runs beside the shelf."""
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{tmp_path / 'runs'}")
    return trainings.trainings()


@pytest.fixture
def measured(shelf: Path) -> Iterator[None]:
    """The digits checkpoint of the shelf, with metrics in its card."""
    path = shelf / "digits-vae" / CARD
    before = path.read_bytes()
    entry = checkpoint.read(path.parent)
    assert entry.card is not None
    write_card(entry.path, replace(entry.card, metrics=FIGURES))
    st.cache_data.clear()
    yield
    path.write_bytes(before)


def text(at: AppTest) -> str:
    """All text of the page."""
    assert not at.exception, at.exception[0].value
    html = [element.proto.body for element in at.get("html")]  # type: ignore[attr-defined]
    said = [each.value for each in (*at.markdown, *at.caption, *at.warning, *at.info, *at.text)]
    return "\n".join([*said, *html]).replace("\\", "")


def keys(at: AppTest, beginning: str) -> list[str]:
    return [key for button in at.button if (key := button.key or "").startswith(beginning)]


def command(at: AppTest) -> str:
    (code,) = at.code
    return code.value


# Cards


def test_every_usable_checkpoint_has_a_card_and_others_a_reason(open_models: Open) -> None:
    at = open_models()
    assert keys(at, "card-details-") == ["card-details-digits-vae", "card-details-flat-vae"]
    assert keys(at, "card-explore-") == ["card-explore-digits-vae", "card-explore-flat-vae"]
    said = text(at)
    assert "2 checkpoints" in said and "Not evaluated yet." in said
    assert "8 dimensions" in said and "2 dimensions" in said and "8×8 grey" in said
    assert said.count('class="lx-preview"') == 2 and 'src="live/atlas/digits-vae/preview.png?v=' in said
    assert said.count('class="lx-spark"') == 2 and "Loss over" in said
    assert "SHA-256" in said and "**rotten-vae**" in said and "**hollow-vae**" in said


def test_metrics_are_on_the_card(open_models: Open, measured: None) -> None:
    said = text(open_models())
    assert "<dt>PSNR</dt><dd>21.54 dB</dd>" in said
    assert "<dt>−ELBO</dt><dd>−12.25 nats</dd>" in said
    assert "Linear probe" not in said


def test_cards_are_sorted_and_filtered(open_models: Open, measured: None) -> None:
    at = open_models()
    at.selectbox(key="cards_sort").set_value("linear_probe_error").run()
    said = text(at)
    assert "<dt>Linear probe error</dt><dd>0.150 share</dd>" in said, "the metric sorted by is shown"
    assert keys(at, "card-details-") == ["card-details-digits-vae", "card-details-flat-vae"]
    at.multiselect(key="cards_family").set_value(["vae"]).run()
    assert len(keys(at, "card-details-")) == 2
    at.multiselect(key="cards_data").set_value(["digits"]).run()
    assert at.multiselect(key="cards_data").options == ["digits"]
    assert at.multiselect(key="cards_family").options == ["VAE"]
    assert len(keys(at, "card-details-")) == 2


def test_details_are_one_click_away_and_back(open_models: Open) -> None:
    at = open_models()
    at.button(key="card-details-flat-vae").click().run()
    assert at.query_params["checkpoint"] in ("flat-vae", ["flat-vae"])
    assert [head.value for head in at.header] == ["Flat"]
    at.button(key="cards-back").click().run()
    assert "checkpoint" not in at.query_params and keys(at, "card-details-")


def test_one_checkpoint_in_full(open_models: Open, measured: None, shelf: Path) -> None:
    card = checkpoint.read(shelf / "digits-vae").card
    assert card is not None
    at = open_models(checkpoint="digits-vae")
    said = text(at)
    assert [head.value for head in at.subheader] == ["Training", "Architecture", "Metrics", "Provenance"]
    assert "Auto-Encoding Variational Bayes" in said and "arxiv.org/abs/1312.6114" in said
    assert "8 dimensions, a prior to sample, a bound on log p(x)" in said
    assert "Encoder  \n1×8×8 → " in said and "Decoder  \n8 → " in said and "→ 1×8×8" in said
    layers, figures = (frame.value for frame in at.dataframe)
    model = checkpoint.load(shelf / "digits-vae")
    parts = sum(p.numel() for part in (model.encoder, model.decoder) for p in part.parameters())
    assert layers["Parameters"].sum() == parts and "Linear" in " ".join(layers["Layer"])
    assert list(figures["Metric"]) == ["PSNR", "−ELBO", "Linear probe error"]
    assert list(figures["Protocol"]) == ["test, <b>300</b> images", "1 sample", "probe"]
    assert command(at) == card.command
    for fact in ("digits, 1,497 training images", "latent 8", "seed 0", "torch ", card.weights_sha256):
        assert fact in said, fact
    (chart,) = at.get("plotly_chart")
    assert "Interactive, HTML" in [each.label for each in at.button]
    assert '"name": "kl"' in chart.proto.spec or '"name":"kl"' in chart.proto.spec  # type: ignore[attr-defined]


def test_other_logged_metrics_have_their_own_charts(
    open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Curves(
        [0, 1], [0.0, 1.0], {"loss": [2.0, 1.0]}, {"perplexity": [1.0, 9.0], "codes used": [0.1, 0.5]}
    )
    monkeypatch.setattr(cards, "read_curves", lambda path: watched)
    st.cache_data.clear()
    charts = open_models(checkpoint="flat-vae").get("plotly_chart")
    titles = [json.loads(chart.proto.spec)["layout"]["yaxis"]["title"]["text"] for chart in charts]  # type: ignore[attr-defined]
    assert titles == ["nats per image", "perplexity", "codes used"]


def test_missing_metrics_name_the_command(open_models: Open) -> None:
    at = open_models(checkpoint="flat-vae")
    assert at.code[0].value == "python -m models evaluate flat-vae --write"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere", "does not exist"), ("rotten-vae", "SHA-256"), ("![x](//y)", "does not exist")],
)
def test_an_invalid_address_is_reported_above_the_cards(open_models: Open, name: str, reason: str) -> None:
    at = open_models(checkpoint=name)
    assert reason in text(at) and len(at.warning) == 1
    assert "![" not in at.warning[0].value
    assert keys(at, "card-details-") and "checkpoint" not in at.query_params


# Training


def test_the_form_makes_the_command(open_models: Open, runs: Trainings) -> None:
    at = open_models(part="train")
    assert command(at).startswith("python -m models train vae --data digits --out ")
    assert "runs/digits-vae-2" in command(at), "the shelf has a digits-vae"
    assert "--set latent=8 width=16" in command(at)
    assert "**720 steps, about " in text(at), "24 batches of 64, 30 epochs"
    place = "vae_digits"
    at.number_input(key=f"train_latent_{place}").set_value(3).run()
    at.number_input(key=f"train_epochs_{place}").set_value(2).run()
    at.number_input(key=f"train_limit_{place}").set_value(100).run()
    assert "latent=3" in command(at) and "--epochs 2" in command(at) and "--limit 100" in command(at)
    assert "'digits, VAE, 3-D'" in command(at)
    assert "**4 steps, " in text(at)
    at.selectbox(key="train_model").set_value("dae").run()
    assert "train dae " in command(at) and "/digits-dae" in command(at) and "latent=8" in command(at)
    at.selectbox(key="train_corruption_dae_digits").set_value("gaussian").run()
    assert "corruption=gaussian" in command(at)
    at.selectbox(key="train_model").set_value("vae").run()
    assert "latent=3" in command(at), "each model keeps its settings"


@pytest.mark.parametrize("model", list(MODELS))
def test_every_model_can_be_chosen(open_models: Open, runs: Trainings, model: str) -> None:
    at = AppTest.from_file(os.fspath(PAGE), default_timeout=120)
    at.query_params["part"] = "train"
    at.session_state["train_model"] = model
    at.run()
    assert f"train {model} " in command(at) and not at.warning
    assert ("one fit" in text(at)) == MODELS[model].closed_form
    asked = {
        widget.key for kind in (at.number_input, at.selectbox, at.toggle, at.text_input) for widget in kind
    }
    place = f"{model}_{'moving-digits' if families.family(model).spec.sequence else 'digits'}"
    assert {f"train_{setting.name}_{place}" for setting in families.settings(model)} <= asked
    assert (f"train_epochs_{place}" in asked) != MODELS[model].closed_form


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("latent", 0, "latent"),
        ("name", "No Such", "The name must be"),
        ("name", "flat-vae", "is taken"),
        ("rate", 0.0, "`rate` must lie between"),
    ],
)
def test_invalid_settings_are_reported_before_a_start(
    open_models: Open, runs: Trainings, name: str, value: Any, reason: str
) -> None:
    at = open_models(part="train")
    kind = at.text_input if name == "name" else at.number_input
    key = next(widget.key for widget in kind if (widget.key or "").startswith(f"train_{name}_"))
    kind(key=key).set_value(value).run()
    assert reason in text(at) and len(at.warning) == 1
    assert not keys(at, "train_start") and not at.code


def test_a_start_is_forwarded_and_a_refusal_reported(
    open_models: Open, runs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[Run, str]] = []

    def start(run: Run, name: str) -> None:
        started.append((run, name))
        raise trainings.TrainingBusy("Another *one* is being trained.")

    monkeypatch.setattr(runs, "start", start)
    at = open_models(part="train")
    at.button(key="train_start").click().run()
    ((run, name),) = started
    assert name == "digits-vae-2" and run.model == "vae" and run.data == "digits" and run.epochs == 30
    assert run.config["latent"] == 8 and run.config["width"] == 16 and run.title == "digits, VAE, 8-D"
    assert "Another *one* is being trained." in text(at) and r"\*one\*" in at.warning[0].value


def infos(monkeypatch: pytest.MonkeyPatch, runs: Trainings, *found: RunInfo) -> None:
    monkeypatch.setattr(runs, "runs", lambda: list(found))


def test_runs_show_their_state_and_actions(
    open_models: Open, runs: Trainings, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run("vae", "digits", {"latent": 3}, epochs=5, batch=64)
    card = checkpoint.read(shelf / "flat-vae").card
    here = runs.root
    infos(
        monkeypatch,
        runs,
        RunInfo("lost", here / "lost", "failed", run=run, error="No [data](//x)."),
        RunInfo("early", here / "early", "cancelled", run=run, error="Cancelled."),
        RunInfo("half", here / "half", "unfinished", 48, run, error="Cancelled."),
        RunInfo("done", here / "done", "ready", card=card),
        RunInfo("plain", here / "plain", "bare", card=card),
        RunInfo("there", here / "there", "elsewhere"),
        RunInfo("none", here / "none", "empty"),
    )
    at = open_models(part="train")
    said = text(at)
    assert "**half** · Unfinished" in said and "48 of 120 steps are saved" in said
    assert "No [data](//x)." in said and "Cancelled." not in said and len(at.warning) == 1
    assert keys(at, "resume-") == ["resume-half"] and keys(at, "encode-") == ["encode-plain"]
    assert keys(at, "explore-") == ["explore-done"] and keys(at, "run-details-") == ["run-details-done"]
    assert "**early** · Cancelled" in said and "nothing was saved" in said
    assert keys(at, "again-") == ["again-lost", "again-early", "again-half"]
    assert "delete-there" not in keys(at, "delete-") and len(keys(at, "delete-")) == 6
    deleted: list[str] = []
    monkeypatch.setattr(runs, "delete", deleted.append)
    at.button(key="delete-half").click().run()
    assert deleted == ["half"]


def test_the_settings_of_a_run_are_copied_within_the_forms_limits(
    open_models: Open, runs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run("beta-vae", "digits", {"latent": 3, "beta": 2}, epochs=20_000, batch=9_999, limit=5, rate=0.5)
    infos(monkeypatch, runs, RunInfo("old", runs.root / "old", "empty", run=run))
    at = open_models(part="train")
    at.button(key="again-old").click().run()
    assert not at.exception and at.selectbox(key="train_model").value == "beta-vae"
    place = "beta-vae_digits"
    assert at.number_input(key=f"train_latent_{place}").value == 3
    assert at.number_input(key=f"train_beta_{place}").value == 2.0
    assert at.number_input(key=f"train_limit_{place}").value == training.IMAGES_AT_LEAST
    assert at.number_input(key=f"train_epochs_{place}").value == training.EPOCHS_AT_MOST
    assert at.number_input(key=f"train_batch_{place}").value == training.BATCH_AT_MOST
    assert "--rate 0.5" in command(at) and "beta=2.0" in command(at)
    assert at.number_input(key=f"train_width_{place}").value == 32, (
        "its own default, not the form's small one"
    )


# The zoo


def test_the_zoo_lists_every_model_with_its_paper(open_models: Open) -> None:
    at = open_models(part="zoo")
    table = at.markdown[0].value
    for family in families.families():
        (row,) = [line for line in table.splitlines() if f"`{family.key}`" in line]
        assert family.description.link in row and str(family.description.year) in row
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[-2:] == ["yes" if family.spec.prior else "no", family.spec.likelihood]
    assert len(table.splitlines()) == 2 + len(MODELS)


def test_an_unknown_section_shows_the_checkpoints(open_models: Open) -> None:
    at = open_models(part="nowhere")
    assert keys(at, "card-details-") and "part" not in at.query_params


def test_every_data_set_fits_the_form(open_models: Open, runs: Trainings) -> None:
    at = open_models(part="train")
    assert at.selectbox(key="train_data").options == [
        f"{name} · {data.shape[2]}×{data.shape[1]} {'colour' if data.shape[0] == 3 else 'grey'}"
        for name, data in DATASETS.items()
        if name != OWN
    ]


def test_a_model_of_sequences_is_offered_sequences(open_models: Open, runs: Trainings) -> None:
    at = open_models(part="train")
    at.selectbox(key="train_model").set_value("td-vae").run()
    assert at.selectbox(key="train_sequences").options == [
        "moving-digits · 28×28 grey",
        "oscillator · 16×16 grey",
    ]
    assert "train td-vae --data moving-digits" in command(at)
    at.selectbox(key="train_model").set_value("vae").run()
    assert "--data digits" in command(at)
