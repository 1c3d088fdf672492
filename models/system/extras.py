"""Optional dependencies: the packages of each extra, and the message if they are not installed."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["DISTRIBUTION", "EXTRAS", "missing", "require"]

DISTRIBUTION = "latent-drag"
EXTRAS = {
    "diffusers": ("diffusers",),
    "distributed": ("accelerate",),
    "onnx": ("onnx", "onnxruntime"),
    "ray": ("ray", "pandas", "fsspec"),
    "tensorboard": ("tensorboard",),
    "video": ("av",),
}  # name in pyproject.toml -> packages to import


def missing(extra: str, feature: str) -> str | None:
    """Returns why a feature is not available and how to install it; None if its packages are installed.

    Arguments:
        extra: A key of `EXTRAS`.
        feature: The feature that needs it, as the subject of a sentence, e.g. "MP4 export".
    """
    absent = [package for package in EXTRAS[extra] if find_spec(package) is None]
    if not absent:
        return None
    return (
        f"{feature} needs {' and '.join(absent)}. Install the extra `{extra}`: "
        f"`pip install '{DISTRIBUTION}[{extra}]'`."
    )


def require(extra: str, feature: str) -> None:
    """Checks that an extra is installed; the arguments are those of `missing`.

    Raises:
        ValueError: If it is not installed; the message gives the command that installs it.
    """
    if reason := missing(extra, feature):
        raise ValueError(reason)
