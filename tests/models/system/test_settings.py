"""Tests of the LATENT_* environment variables: their meaning, and the messages for invalid values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from models.__main__ import main
from models.card import roots
from models.system import settings
from models.system.settings import SettingError

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("DATA_DIR", "CACHE_DIR", "CHECKPOINT_DIR", "DEVICE", "MEMORY_MB", "JOB_NICENESS", "ALLOWED_ORIGINS")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"LATENT_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_no_other_code_reads_the_variables() -> None:
    for path in [*ROOT.glob("models/**/*.py"), *ROOT.glob("explorer/**/*.py"), ROOT / "app.py"]:
        if path.name != "settings.py":
            found = re.search(r"(environ|getenv)[^\n]{0,20}[\"']LATENT_", path.read_text(encoding="utf-8"))
            assert not found, f"{path} reads {found}: use models.system.settings"


def test_unset_and_blank_variables_have_their_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for value in (None, "", "  "):
        for name in NAMES:
            if value is not None:
                monkeypatch.setenv(f"LATENT_{name}", value)
        assert settings.problems() == []
        assert settings.data_folder() is None and settings.checkpoint_folders() == []
        assert settings.cache_folder() == tmp_path / ".cache" / "latent-explorer"
        assert settings.memory_mb() == 1536 and settings.allowed_origins() == set()
        assert settings.job_niceness() == 10
        assert settings.device() in {torch.device(kind) for kind in ("cuda", "mps", "cpu")}


def test_every_folder_expands_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", "~/data")
    monkeypatch.setenv("LATENT_CACHE_DIR", "~/cache")
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", "~/one:~/two:")
    assert settings.data_folder() == tmp_path / "data"
    assert settings.cache_folder() == tmp_path / "cache"
    assert roots() == [tmp_path / "one", tmp_path / "two"]


@pytest.mark.parametrize("name", ["gpu", "cuda", "cuda:x", "cpu:7x", "toaster", "CPU:"])
def test_an_unavailable_device_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("LATENT_DEVICE", name)
    with pytest.raises(
        SettingError, match=rf"^LATENT_DEVICE must be one of: cpu\. Got '{name}'\. Correct it"
    ):
        settings.device()
    assert settings.problems()[0].fatal


def test_device_names_are_case_insensitive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DEVICE", " CPU ")
    assert settings.device() == torch.device("cpu")


@pytest.mark.parametrize("value", ["1,5G", "1.5", "0", "-1", "1536 MB", "²"])
def test_memory_must_be_an_integer(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_MEMORY_MB", value)
    with pytest.raises(SettingError, match=rf"above 0, such as 1536\. Got '{value}'\.$"):
        settings.memory_mb()
    assert settings.problems()[0].fatal


@pytest.mark.parametrize("value", ["20", "-1", "low", "1.5", "²"])
def test_niceness_must_be_an_integer_from_0_to_19(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_JOB_NICENESS", value)
    with pytest.raises(SettingError, match=rf"from 0 to 19, such as 10\. Got '{value}'\.$"):
        settings.job_niceness()
    monkeypatch.setenv("LATENT_JOB_NICENESS", "0")
    assert settings.job_niceness() == 0


def test_all_problems_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv("LATENT_MEMORY_MB", "much")
    monkeypatch.setenv("LATENT_DATA_DIR", "~/nowhere")
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{tmp_path}:{file}")
    monkeypatch.setenv("LATENT_CACHE_DIR", str(file / "cache"))
    monkeypatch.setenv("LATENT_ALLOWED_ORIGINS", "https://good.example faces.example.org")
    found = settings.problems()
    assert [problem.fatal for problem in found] == [True, False, False, False, False]
    assert all("\n" not in problem.text and problem.text.endswith(".") for problem in found)
    texts = [problem.text for problem in found]
    assert f"LATENT_DATA_DIR names {tmp_path / 'nowhere'}, which does not exist." in texts[1]
    assert f"LATENT_CHECKPOINT_DIR names {file}, which is not a folder." in texts[2]
    assert f"{file} is not a folder. Set LATENT_CACHE_DIR" in texts[3]
    assert (
        "LATENT_ALLOWED_ORIGINS must hold origins such as" in texts[4] and "'faces.example.org'" in texts[4]
    )
    assert settings.allowed_origins() == {"https://good.example"}


def test_training_on_an_unknown_device_names_the_available_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train = ["train", "vae", "--data", "digits", "--out", str(tmp_path / "run")]
    assert main([*train, "--device", "gpu"]) == 1
    monkeypatch.setenv("LATENT_DEVICE", "toaster")
    assert main(train) == 1
    one, other = capsys.readouterr().err.splitlines()
    assert re.match(r"python -m models: `--device` must be one of: .*cpu\. Got 'gpu'\.", one)
    assert re.match(r"python -m models: LATENT_DEVICE must be one of: .*cpu\. Got 'toaster'\.", other)
