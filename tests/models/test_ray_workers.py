"""Tests of encoding on a Ray cluster: every picture is encoded once, whatever is killed, and nothing leaves the machine."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from explorer.atlas.build import build
from models.__main__ import main
from models.card import LATENTS
from models.encoded_parts import Outcome, Part, SourcePixels, encode_parts
from models.ray_workers import _encoded, cluster, on_ray
from tests.models.own_pictures import FullDisk, KilledOnce, make_pictures
from tests.models.test_encoded_parts import opened, rows_of

pytestmark = pytest.mark.filterwarnings("ignore:::ray")  # Ray warns of its own settings

ROOT = Path(__file__).resolve().parents[2]
COUNT, SIZE, BAD = 40, 4, (5,)
KILLED = """
import os, signal, sys
from pathlib import Path
from models.encoded_parts import encode_parts
from models.card import LATENTS
from models.ray_workers import on_ray
from tests.models.test_encoded_parts import opened

def report(share, what):
    if share > 0.2:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint, source, out, address = sys.argv[1:]
encode_parts(checkpoint, *opened(Path(source)), Path(out), workers=on_ray(address), report=report, size=4)
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Starts a cluster of two workers on this machine."""
    with cluster(workers=2) as found:
        yield found


def test_a_killed_worker_loses_no_picture(tmp_path: Path, tiny_checkpoint: Path, address: str) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", COUNT, BAD))
    pixels = KilledOnce(
        SourcePixels(found.pictures, (1, 8, 8), preparation.fit, "#ffffff"), tmp_path / "killed"
    )
    told: list[float] = []
    done = encode_parts(
        tiny_checkpoint,
        found,
        preparation,
        tmp_path / "ray",
        pixels=pixels,
        workers=on_ray(),
        size=SIZE,
        report=lambda share, _: told.append(share),
    )
    assert (tmp_path / "killed").exists() and not list((tmp_path / "ray" / LATENTS).glob(".*"))
    assert told == sorted(told) and len(told) == COUNT / SIZE + 1
    assert done == encode_parts(tiny_checkpoint, found, preparation, tmp_path / "here", size=SIZE)
    assert done.rows == COUNT - 1 and done.refused[0].name == "05.png"
    assert rows_of(tmp_path / "ray").equals(rows_of(tmp_path / "here"))
    with pytest.raises(ValueError, match="No space left"):
        encode_parts(
            tiny_checkpoint, found, preparation, tmp_path / "full", pixels=FullDisk(), workers=on_ray()
        )


def test_a_killed_driver_can_be_resumed(tmp_path: Path, tiny_checkpoint: Path, address: str) -> None:
    source = make_pictures(tmp_path / "in", COUNT, BAD)
    driver = [sys.executable, "-c", KILLED, str(tiny_checkpoint), str(source), str(tmp_path / "ray"), address]
    ended = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "ray" / LATENTS).glob("part-*.parquet")}
    assert files
    found, preparation = opened(source)
    left: list[Part] = []

    def workers(parts: Sequence[Part]) -> Iterable[Outcome]:
        left.extend(parts)
        return on_ray()(parts)

    encode_parts(tiny_checkpoint, found, preparation, tmp_path / "ray", workers=workers, size=SIZE)
    assert left and not {part.file for part in left} & files.keys()
    assert all(path.stat().st_mtime_ns == before for path, before in files.items())
    encode_parts(tiny_checkpoint, found, preparation, tmp_path / "here", size=SIZE)
    assert rows_of(tmp_path / "ray").equals(rows_of(tmp_path / "here"))


def test_the_command_writes_a_collection_that_an_atlas_takes(
    tmp_path: Path,
    copy_of_tiny: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    source, out = make_pictures(tmp_path / "in", COUNT, BAD), copy_of_tiny.parent / "mine"
    assert main(["encode", str(copy_of_tiny), str(source), "--out", str(out), "--ray"]) == 0
    monkeypatch.setattr("explorer.atlas.build.encode", lambda *_: pytest.fail("it was encoded already"))
    assert build(out, umap=False) == COUNT - len(BAD)
    alone = make_pictures(tmp_path / "alone", 1)
    assert main(["encode", str(copy_of_tiny), str(alone), "--out", str(tmp_path / "none"), "--ray"]) == 1
    assert "A collection must have at least 2 images" in capsys.readouterr().err


def test_a_local_cluster_listens_on_the_loopback_interface_only(address: str) -> None:
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    assert any("raylet" in process.name() for process in family)
    connections = [each for process in family for each in process.net_connections("inet")]
    ends = [end for each in connections for end in (each.laddr, each.raddr) if end]
    assert ends
    for end in ends:
        found = ipaddress.ip_address(end.ip)
        assert (getattr(found, "ipv4_mapped", None) or found).is_loopback, end
    (asking,) = [process for process in family if any("dashboard.py" in part for part in process.cmdline())]
    assert asking.environ()["http_proxy"] == "http://127.0.0.1:9" != os.environ.get("http_proxy")
    assert os.environ["RAY_AUTH_MODE"] == "token" and os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_part_that_kills_its_workers_fails(tmp_path: Path, tiny_checkpoint: Path) -> None:
    def killing(parts: Sequence[Part]) -> Iterator[Outcome]:
        (parts[1].file.parent / ".part-00001.parquet.attempts").write_bytes(b".." * 2)
        told = [_encoded({"part": part})["error"] for part in parts]
        assert told[::2] == ["", ""]
        raise ValueError(told[1])

    found, preparation = opened(make_pictures(tmp_path / "in", 6))
    with pytest.raises(ValueError, match=r"4 workers were killed while they encoded part-00001.*with 02.png"):
        encode_parts(tiny_checkpoint, found, preparation, tmp_path, workers=killing, size=2)
    assert len(list((tmp_path / LATENTS).glob("*.parquet"))) == 2
    assert len(list((tmp_path / LATENTS).iterdir())) == 3


@pytest.mark.parametrize("address", ["photos/", "ray://a:1", "10.0.0.1", "a:b", "auto "])
def test_an_address_is_checked(address: str) -> None:
    with pytest.raises(ValueError, match=r"`--ray` must be auto or HOST:PORT, such as 10.0.0.1:6379. Got"):
        on_ray(address)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.system.extras.find_spec", lambda package: None)
    with pytest.raises(ValueError, match=r"`--ray` needs ray .*pip install 'latent-drag\[ray\]'"):
        on_ray()
