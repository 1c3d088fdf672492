"""The Your images page: instructions, summary, invalid input, stored choices, the start of a training."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.jobs import collections, image_sources, trainings
from explorer.jobs.image_sources import ImageSource
from explorer.jobs.trainings import TrainingBusy
from explorer.pages.your_images import estimate, existing_model, proposal
from models.training.augment import AUGMENTATIONS
from models.training.run import Run
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, html

Show = Callable[..., AppTest]


def write_pictures(folder: Path, count: int = 12) -> None:
    """Writes pictures of two classes, an invalid file, and a table of their weights."""
    rng = np.random.default_rng(0)
    lines = ["file_name,shape,weight"]
    for number in range(count):
        name = f"{number:02d}.png"
        pixels = rng.integers(0, 255, (20, 16, 3), np.uint8)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / name)
        lines.append(f"{name},{'round' if number % 2 else 'square'},{number / 2 if number else ''}")
    (folder / "images" / "broken.png").write_bytes(b"no picture")
    (folder / "images" / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_pictures(folder)
    return folder


@pytest.fixture
def show(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Opens the page at an address, once its images have been read."""
    monkeypatch.setattr(estimate, "_measuring", lambda request, key: None)  # a job that times training steps

    def opened(**asked: str) -> AppTest:
        if "path" in asked:
            read(asked["path"], asked.get("labels", ""))
        at = open_page()
        at.query_params.clear()
        for name, value in asked.items():
            at.query_params[name] = value
        return at.switch_page("your_images/page.py").run()

    return opened


def read(path: str, labels: str = "") -> ImageSource:
    """Opens images and waits until they are read."""
    source = image_sources.opened(path, labels)
    end = time.monotonic() + 60
    while source.running:
        assert time.monotonic() < end
        time.sleep(0.05)
    return source


def said(at: AppTest) -> str:
    """All text of the page."""
    assert not at.exception, at.exception[0].value
    texts = [each.value for each in (*at.markdown, *at.caption, *at.warning, *at.error, *at.info, *at.code)]
    return "\n".join([*texts, html(at)]).replace("\\", "")


def choose_path(at: AppTest, path: str, labels: str = "") -> AppTest:
    at.text_input(key="yi_path").set_value(path)
    at.text_input(key="yi_labels").set_value(labels)
    return next(each for each in at.button if each.label == "Open").click().run()


def control(kind: Any, name: str) -> Any:
    """The control of a choice, for any images."""
    return next(each for each in kind if (each.key or "").startswith(f"yi_{name}_"))


def test_an_invalid_part_of_the_address_is_reported_and_ignored(show: Show, photos: Path) -> None:
    at = show(path=str(photos / "images"), run="../etc")
    (warning,) = [each.value for each in at.warning]
    assert "`run` must be the name of a training. Got '../etc'. It is ignored." in warning
    assert "run" not in at.query_params


def test_without_images_it_says_what_can_be_opened(show: Show) -> None:
    at = show()
    text = said(at)
    assert 'data-testid="your-images" data-state="empty" data-images="0" data-refused="0"' in text
    assert "python -m explorer open ~/photos" in text
    for form in ("A folder", "metadata.csv", "A zip", "Parquet", "WebDataset", "NumPy"):
        assert form in text


def test_the_summary_and_the_proposal(show: Show, photos: Path) -> None:
    at = show(path=str(photos))
    text = said(at)
    assert 'data-state="found" data-images="12" data-refused="1"' in text
    assert address(at) == {"path": str(photos)}
    for fact in ("16×20", "RGB", "Folder", "**shape**", "**weight**", "round", "1 missing"):
        assert fact in text, fact
    assert text.count('title="images/0') >= 10, "small pictures"
    assert text.count("as the model will see it") == 6
    (refused,) = at.dataframe
    assert "broken.png" in refused.value["File"][0] and refused.value["Reason"][0].endswith(".")
    assert "train vae --data own-images" in text and f"path={photos}" in text


@pytest.mark.parametrize(
    ("path", "labels", "reason"),
    [
        ("", "", "The path is empty. Type the path of a folder or a file"),
        (
            "/no/where",
            "",
            "The path must be a folder or a file on the machine that runs the explorer. '/no/where'",
        ),
        ("{photos}", "/no.csv", "The table of labels must be a folder or a file"),
        ("a\0b", "", "The path must be a folder or a file"),
    ],
)
def test_a_missing_path_is_reported_and_the_page_stays(
    show: Show, photos: Path, path: str, labels: str, reason: str
) -> None:
    at = choose_path(show(path=str(photos)), path.format(photos=photos), labels)
    assert reason in said(at) and len(at.error) == 1
    assert address(at) == {"path": str(photos)} and 'data-images="12"' in said(at)


@pytest.mark.parametrize("name", ["empty", "text"])
def test_a_source_without_images_says_why_and_can_be_read_again(
    show: Show, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    if name == "text":
        (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    at = show(path=str(folder))
    assert len(at.error) == 1 and name in at.error[0].value and 'data-state="failed"' in said(at)
    write_pictures(folder)
    at.button(key="yi_again").click().run()
    read(str(folder))
    assert 'data-images="12"' in said(at.run())


def test_a_table_that_matches_no_image_says_so(show: Show, photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "others.csv"
    table.write_text("file,weight\nother.png,1\n", encoding="utf-8")
    at = show(path=str(photos), labels=str(table))
    assert len(at.error) == 1 and "others.csv" in at.error[0].value


def test_choices_survive_a_reload_and_determine_the_command(show: Show, photos: Path) -> None:
    source = read(str(photos))
    at = show(path=str(photos))
    control(at.selectbox, "kind_weight").set_value("ignore").run()
    control(at.selectbox, "size").set_value(16).run()
    control(at.select_slider, "minutes").set_value(2).run()
    control(at.radio, "model").set_value("plane").run()
    again = show(path=str(photos))
    for page in (at, again):
        text = said(page)
        assert "size=16" in text and "--minutes 2" in text and "latent=2" in text, text
        assert '"weight": "ignore"' in text
    source.choices.clear()


def test_a_start_is_forwarded_and_a_refusal_reported(
    show: Show, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    started: list[tuple[Run, str]] = []

    def start(run: Run, name: str) -> None:
        started.append((run, name))
        raise TrainingBusy("Another *one* is being trained.")

    monkeypatch.setattr(trainings.trainings(), "start", start)
    at = show(path=str(photos))
    at.button(key="yi_start").click().run()
    ((run, name),) = started
    assert run.model == "vae" and run.data == "own-images" and run.options["path"] == str(photos)
    assert name.endswith("-vae") and run.minutes > 0
    assert run.augment == ("shift",), "they are few"
    assert list(proposal.VARIATIONS) == list(AUGMENTATIONS), "each has a title"
    assert "Another *one* is being trained." in said(at)


def test_an_existing_checkpoint_can_encode_them_instead(
    show: Show, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, Any]] = []
    refused = SimpleNamespace(running=False, result=None, error="It *cannot*.", share=0.0, what="")
    monkeypatch.setattr(
        existing_model, "start", lambda job, request, key: asked.append((job, request)) or refused
    )
    at = show(path=str(photos))
    assert at.selectbox(key="yi_with").options == ["Digits · 8×8 grey", "Flat · 8×8 grey"]
    at.selectbox(key="yi_with").set_value("flat-vae").run()
    at.button(key="yi_encode_with").click().run()
    assert asked == [(collections.encode, collections.Request("flat-vae", str(photos)))]
    assert "It *cannot*." in said(at)
    read(str(photos)).encoding = None


def test_an_upload_of_another_kind_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"An upload must be one of: \.zip, .* Got 'cat\.exe'\. Pack a folder as a zip"
    ):
        image_sources.keep_upload("C:\\photos\\cat.exe", b"MZ")


def test_an_upload_is_stored_once_under_its_name() -> None:
    one = image_sources.keep_upload("../../Ferien \n2024.ZIP", b"PK")
    assert one.name == "Ferien _2024.zip" and one.read_bytes() == b"PK"
    assert image_sources.keep_upload("Ferien \n2024.zip", b"PK") == one
