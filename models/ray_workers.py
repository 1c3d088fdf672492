"""Encodes parts of a collection on a Ray cluster, with Ray Data, on the cores of this machine or on several machines.

Ray sends parts and outcomes between its processes in its own serialisation, which can contain code. Therefore a cluster
that is started here listens only on the loopback interface and requires a random token. Untrusted files are never sent
as objects: workers read and check them in the same way as a single process.

References:
    | Ray Data: streaming batch inference
    | https://docs.ray.io/en/latest/data/data.html
"""

from __future__ import annotations

__all__ = ["cluster", "on_ray"]

import logging
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.data.own.records import Refused, shown
from models.encoded_parts import Outcome, Part, Workers, encode_part
from models.system import extras

ADDRESS = re.compile(r"auto|(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}")
ATTEMPTS = 4  # workers that may be killed on one part
OUTPUT_BYTES = 1 << 20  # memory that Ray reserves for the outcome of a part; its default leaves cores idle
LOCAL = {  # environment of a cluster that is started here; Ray reads it on import
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # makes Ray use the loopback address, on any system
    "RAY_AUTH_MODE": "token",
}
# Even without usage statistics, Ray contacts metadata servers of clouds; a proxy that does not exist prevents that.
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "localhost,127.0.0.1,::1"}


def on_ray(address: str = "") -> Workers:
    """Returns workers on a Ray cluster.

    Arguments:
        address: Address of a running cluster, "auto" for that of this machine, or HOST:PORT; "" starts a cluster on this
            machine, which ends with the work.

    Raises:
        ValueError: If Ray is not installed, or the address is malformed.
    """
    extras.require("ray", "`--ray`")
    if address and not ADDRESS.fullmatch(address):
        raise ValueError(
            f"`--ray` must be auto or HOST:PORT, such as 10.0.0.1:6379. Got {address!r:.80}. "
            "Run the command on a machine of the cluster."
        )

    def encode(parts: Sequence[Part]) -> Iterator[Outcome]:
        with cluster(address):
            yield from _outcomes(parts)

    return encode


@contextmanager
def cluster(address: str = "", workers: int | None = None) -> Iterator[str]:
    """Connects to a Ray cluster, or starts one on this machine, and yields its address; nested calls share a cluster.

    Arguments:
        address: As in `on_ray`.
        workers: Number of workers of a cluster that is started; one per core if None.

    Raises:
        ConnectionError: If there is no cluster at the address.
    """
    if not address:
        os.environ.update(LOCAL)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    if ray.is_initialized():
        yield ray.get_runtime_context().gcs_address
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    scratch = "" if address else tempfile.mkdtemp(prefix="ray-")
    try:
        if address:
            try:
                ray.init(address=address, **quiet)
            except (OSError, RuntimeError, ray.exceptions.RayError) as error:
                raise ConnectionError(
                    f"`--ray {address}`: no Ray cluster answers there ({str(error)[:200]}). "
                    "Start one with `ray start --head`."
                ) from error
        else:
            with _environment(OFFLINE):
                ray.init(
                    address="local", num_cpus=workers, include_dashboard=False, _temp_dir=scratch, **quiet
                )
        yield ray.get_runtime_context().gcs_address
    finally:
        ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for processes that are started within the context."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _outcomes(parts: Sequence[Part]) -> Iterator[Outcome]:
    """Encodes parts on the connected cluster; yields outcomes as they arrive.

    Raises:
        ValueError: As in `encode_part`.
        RuntimeError: If the cluster fails.
    """
    import ray
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = OUTPUT_BYTES
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    try:
        for row in rows.map(_encoded, num_cpus=1).iter_rows():
            if row["error"]:
                raise ValueError(row["error"])
            refused = zip(row["names"], row["reasons"], strict=True)
            yield Outcome(row["number"], row["rows"], tuple(Refused(name, why) for name, why in refused))
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:300]
        raise RuntimeError(
            f"The Ray cluster failed. Run the command again: parts that are encoded are kept. {reason}"
        ) from error


def _encoded(row: dict[str, Any]) -> dict[str, Any]:
    """Encodes the part of a row, in a worker; an error with a remedy is returned as text."""
    part: Part = row["part"]
    outcome, problem = Outcome(part.number, 0, ()), ""
    attempts = _attempts(part)
    try:
        with attempts.open("ab") as file:
            file.write(b".")
        if attempts.stat().st_size > ATTEMPTS:
            raise ValueError(
                f"{ATTEMPTS} workers were killed while they encoded {part.file.name}, which starts with "
                f"{shown(part.names[0])}; memory may have run out. Give the workers more, or remove the picture."
            )
        outcome = encode_part(part)
        attempts.unlink(missing_ok=True)
    except (ValueError, OSError) as error:
        problem = str(error) or type(error).__name__
    return {
        "number": outcome.number,
        "rows": outcome.rows,
        "names": [each.name for each in outcome.refused],
        "reasons": [each.reason for each in outcome.refused],
        "error": problem,
    }


def _attempts(part: Part) -> Path:
    """Returns a file with one byte per attempt at a part, since Ray retries without limit; `encode_parts` deletes it."""
    return part.file.with_name(f".{part.file.name}.attempts")
