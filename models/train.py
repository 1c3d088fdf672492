"""The training loop, read top to bottom: data, model, steps, checkpoint.

A step's randomness (which images, which noise) is a function of the seed and the step's number alone, so a
run that was killed and resumed takes exactly the steps that an uninterrupted one takes, bit for bit on a CPU.
"""

from __future__ import annotations

import contextlib
import json
import math
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from models import checkpoint
from models.base import Autoencoder, config_from_dict
from models.data import ImageData, load_data

__all__ = ["Run", "TrainingError", "default_device", "read_run", "train"]

CURVES = "curves.jsonl"
LOG_EVERY = 20  # steps
ORDER, NOISE, START = range(3)  # the streams of randomness
KINDS = {"str": str, "int": int, "bool": bool, "dict[str, Any]": dict}  # of the fields of a run
FOREIGN = "was not written by this trainer. Start anew without `--resume`."


class TrainingError(RuntimeError):
    """A training that cannot go on, with the step, the term, and where the last good state lies."""


@dataclass(frozen=True)
class Run:
    """Everything that decides what a training gives."""

    model: str  # a key of `models.MODELS`
    data: str  # a key of `models.data.DATASETS`
    config: dict[str, Any] = field(default_factory=dict)  # of the model, without its image shape
    options: dict[str, Any] = field(default_factory=dict)  # of the data set
    title: str = ""
    description: str = ""
    epochs: int = 20
    batch: int = 128  # images a step
    rate: float = 1e-3  # learning rate at its height
    rate_warmup: int = 200  # steps to that height; then a cosine down to a hundredth
    kl_warmup: float = 0.2  # share of the steps over which the regulariser comes in
    decay: float = 0.0  # AdamW's weight decay
    clip: float = 100.0  # gradient norm, in nats per image and unit weight
    seed: int = 0
    bf16: bool = False  # matrix products and convolutions in bfloat16
    limit: int = 0  # images of the training split; 0 takes all
    save_every: int = 500  # steps between two states that `--resume` can go on from

    def __post_init__(self) -> None:
        for place in fields(self):
            value = getattr(self, place.name)
            kinds = (int, float) if place.type == "float" else KINDS[str(place.type)]
            if not isinstance(value, kinds) or (isinstance(value, bool) and place.type != "bool"):
                raise ValueError(f"`{place.name}` must be of type {place.type}. Got {value!r}.")
        for name, low in (("epochs", 1), ("batch", 1), ("seed", 0), ("limit", 0), ("save_every", 1),
                          ("rate_warmup", 0)):  # fmt: skip
            if getattr(self, name) < low:
                raise ValueError(f"`{name}` must be at least {low}. Got {getattr(self, name)}.")
        if taken := sorted(self.options.keys() & {"name", "split", "limit"}):
            raise ValueError(f"`options` must be the data set's own. Got {taken[0]!r}; a run sets it itself.")
        if not 0 < self.rate < 1:
            raise ValueError(f"`rate` must lie between 0 and 1. Got {self.rate}.")
        if not 0 <= self.kl_warmup <= 1:
            raise ValueError(f"`kl_warmup` must be a share between 0 and 1. Got {self.kl_warmup}.")
        if not 0 <= self.decay < 1:
            raise ValueError(f"`decay` must lie in [0, 1). Got {self.decay}.")
        if not self.clip > 0:
            raise ValueError(f"`clip` must be positive. Got {self.clip}.")


def train(
    run: Run,
    folder: Path,
    *,
    resume: bool = False,
    device: torch.device | None = None,
    command: str = "",
    report: Callable[[int, int, dict[str, float]], None] | None = None,
) -> checkpoint.Card:
    """Trains a model and leaves a checkpoint.

    Arguments:
        run: What to train on what, and how.
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        resume: Go on from the folder's saved state, if there is one.
        device: Where to train; the best there is where None.
        command: The command that started it, for the card.
        report: Called with (step, steps, terms) at every logged step.

    Returns:
        The card of the finished checkpoint.

    Raises:
        ValueError: If the run asks for what does not exist.
        TrainingError: If a term of the loss or the gradient is not finite.
    """
    device = device or default_device()
    data = load_data(run.data, "train", limit=run.limit or None, **run.options)
    images = torch.from_numpy(np.ascontiguousarray(data.images.transpose(0, 3, 1, 2)))
    model = build(run, data).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    about: dict[str, Any] = {
        "title": run.title,
        "model_name": run.model,
        "data": {"name": run.data, "options": run.options},
        "description": run.description,
        "command": (resume and started_by(folder)) or command or f"python -m models train {run.model} …",
    }
    checkpoint.describe(folder, model, **about)  # what could not be written at the end stops here
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.rate, weight_decay=run.decay)
    per_epoch = math.ceil(len(images) / run.batch)
    steps = run.epochs * per_epoch
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder, state=not resume)
    start = restore(folder, run, model, optimizer) if resume else 0
    trim_curves(folder / CURVES, start)
    generator = torch.Generator(device)
    order = torch.empty(0, dtype=torch.long)
    model.train()
    began = time.perf_counter()

    with (
        (folder / CURVES).open("a", encoding="utf-8") as curves,
        tqdm(total=steps, initial=start, unit="step", desc=folder.name, mininterval=0.5) as bar,
    ):
        for step in range(start, steps):
            epoch, place = divmod(step, per_epoch)
            if place == 0 or step == start:
                shuffle = seeded(torch.Generator(), run.seed, ORDER, epoch)
                order = torch.randperm(len(images), generator=shuffle)
            chosen = order[place * run.batch : (place + 1) * run.batch]
            x = images[chosen].to(device).float().div_(255)
            x = x.contiguous(memory_format=torch.channels_last)
            seeded(generator, run.seed, NOISE, step)
            with torch.autocast(device.type, torch.bfloat16, enabled=run.bf16):
                loss = model.loss(x, generator=generator, warmup=warmup(run, step, steps))
            for group in optimizer.param_groups:
                group["lr"] = rate(run, step, steps)
            optimizer.zero_grad(set_to_none=True)
            loss.total.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), run.clip)
            terms = {"loss": loss.total.item()} | {k: v.item() for k, v in loss.terms.items()}
            check_finite(terms | {"gradient norm": norm.item()}, step, folder)
            optimizer.step()
            if step % LOG_EVERY == 0 or step == steps - 1:
                line = {"step": step, "epoch": round(step / per_epoch, 3), **terms}
                curves.write(json.dumps(line) + "\n")
                shown = {k: f"{v:.1f}" for k, v in terms.items()} | {"unit": "nats/image"}
                bar.set_postfix(shown, refresh=False)
                if report:
                    report(step + 1, steps, terms)
            if (step + 1) % run.save_every == 0 and step + 1 < steps:
                curves.flush()
                keep(folder, run, model, optimizer, step + 1, about["command"])
            bar.update()

    elsewhere = ("model", "data", "config", "options", "title", "description")  # in the card
    facts = {k: v for k, v in asdict(run).items() if k not in elsewhere}
    card = checkpoint.write(
        folder,
        model.eval(),
        **about,
        training=facts
        | {
            "steps": steps,
            "images": len(images),
            "seconds": round(time.perf_counter() - began, 1) if start == 0 else None,
            "device": device.type,
            "threads": torch.get_num_threads(),
        },
        versions=versions(),
    )
    (folder / checkpoint.TRAINING).unlink(missing_ok=True)
    return card


def build(run: Run, data: ImageData) -> Autoencoder:
    """The untrained model of a run, its weights drawn from the run's seed."""
    from models import MODELS

    if run.model not in MODELS:
        raise ValueError(f"Unknown model {run.model!r}. Choose one of: {', '.join(MODELS)}.")
    cls = MODELS[run.model]
    height, width, channels = data.images.shape[1:]
    config = config_from_dict(cls.Config, {**run.config, "image_shape": (channels, height, width)})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(run.seed, START, 0))
        return cls(config)


def default_device() -> torch.device:
    """CUDA, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def rate(run: Run, step: int, steps: int) -> float:
    """Learning rate of a step: a linear rise, then a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / max(1, run.rate_warmup))
    fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps))
    return run.rate * rise * fall


def warmup(run: Run, step: int, steps: int) -> float:
    """How far the regulariser has come in, 0 to 1."""
    return min(1.0, step / (run.kl_warmup * steps)) if run.kl_warmup else 1.0


def stream(seed: int, kind: int, index: int) -> int:
    """A 63-bit seed for one place of one stream of randomness."""
    return int(np.random.SeedSequence([seed, kind, index]).generate_state(1, np.uint64)[0] >> 1)


def seeded(generator: torch.Generator, seed: int, kind: int, index: int) -> torch.Generator:
    return generator.manual_seed(stream(seed, kind, index))


def check_finite(terms: dict[str, float], step: int, folder: Path) -> None:
    """Stops a run whose loss is lost, before the step spoils the weights."""
    for name, value in terms.items():
        if not math.isfinite(value):
            saved = folder / checkpoint.TRAINING
            state = f"The last good state is {saved}." if saved.is_file() else "No state was saved before it."
            raise TrainingError(
                f"The term {name!r} is {value} at step {step}. {state} Try a lower learning rate (`--rate`)."
            )


def keep(
    folder: Path, run: Run, model: Autoencoder, optimizer: torch.optim.Optimizer, step: int, command: str = ""
) -> None:
    """Saves all that the next step needs, in one file and at one stroke."""
    names = [name for name, _ in model.named_parameters()]
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{names[index]}.{k}": v for k, v in values.items()}
    flat = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    about = {"run": json.dumps(asdict(run)), "step": str(step), "command": command}
    checkpoint.replace_file(folder / checkpoint.TRAINING, lambda path: save_file(flat, path, metadata=about))


def read_run(folder: Path) -> tuple[Run, int]:
    """The run of an unfinished training and the steps it has taken.

    Raises:
        ValueError: If the folder holds no state to go on from.
    """
    path = folder / checkpoint.TRAINING
    if not path.is_file():
        raise ValueError(
            f"{folder} has no {checkpoint.TRAINING} to resume from. Start anew without `--resume`."
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
        return Run(**json.loads(about["run"])), int(about["step"])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} {FOREIGN} ({type(error).__name__}: {error})") from error


def started_by(folder: Path) -> str:
    """The command that began an unfinished training; "" where it is not known."""
    path = folder / checkpoint.TRAINING
    if not path.is_file():
        return ""
    read_run(folder)  # refuses what is not ours
    with safe_open(path, framework="pt") as file:
        return str(file.metadata().get("command", ""))


def restore(folder: Path, run: Run, model: Autoencoder, optimizer: torch.optim.Optimizer) -> int:
    """Loads what `keep` saved and gives the number of steps taken; 0 where nothing was saved."""
    if not (folder / checkpoint.TRAINING).is_file():
        return 0
    saved, step = read_run(folder)
    if saved != run:
        changed = next(k for k, v in asdict(run).items() if getattr(saved, k) != v)
        raise ValueError(
            f"{folder} was started with {changed} = {getattr(saved, changed)!r}, "
            f"not {getattr(run, changed)!r}. Resume with the same values, or choose another `--out`."
        )
    tensors = load_file(folder / checkpoint.TRAINING)
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    try:
        model.load_state_dict(own)
        state = {
            index: {
                "step": tensors[f"optimizer.{name}.step"],
                "exp_avg": laid_out(tensors[f"optimizer.{name}.exp_avg"], parameter),
                "exp_avg_sq": laid_out(tensors[f"optimizer.{name}.exp_avg_sq"], parameter),
            }
            for index, (name, parameter) in enumerate(model.named_parameters())
        }
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{folder / checkpoint.TRAINING} {FOREIGN} ({error})") from error
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return step


def laid_out(values: Tensor, parameter: Tensor) -> Tensor:
    """`values` in the memory order of `parameter`, as in an uninterrupted run, so that the same kernels run."""
    return torch.empty_like(parameter, device=values.device, requires_grad=False).copy_(values)


def sweep(folder: Path, state: bool) -> None:
    """Deletes what a kill left half-written and, with `state`, what an earlier run left to resume."""
    for left in [p for name in (checkpoint.TRAINING, CURVES) for p in folder.glob(f".{name}.*")]:
        left.unlink(missing_ok=True)
    if state:
        (folder / checkpoint.TRAINING).unlink(missing_ok=True)


def trim_curves(path: Path, step: int) -> None:
    """Drops what a killed run logged after its last saved state, so that no step stands there twice."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):  # the last line may be cut short
            if json.loads(line)["step"] < step:
                kept.append(line + "\n")
    checkpoint.replace_file(path, lambda new: new.write_text("".join(kept), encoding="utf-8"))


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
