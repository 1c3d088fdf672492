"""Can an attribute still be read from a reconstruction? A judge trained on original pixels says how well.

One small convolutional network learns every attribute from the original training images, then reads the test
images and their reconstructions. What it reads less well there, the model did not keep. Categories are scored
by balanced accuracy, continuous factors by R^2 (`models.evaluation.reading_quality`). Where an attribute's value is missing, an image neither teaches it nor
counts in its score.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from models.base import Autoencoder, Progress
from models.data import Attribute, ImageData
from models.data.tensors import chunks, to_tensor
from models.evaluation.metric import Metrics, metric
from models.evaluation.reading_quality import Quality, quality_of_labels, quality_of_values
from models.evaluation.reconstruction import reconstruct

__all__ = ["Judge", "expectations", "log_odds", "qualities", "readability", "score", "train_judge"]

WIDTH, EPOCHS, BATCH, RATE, SEED = 24, 12, 128, 2e-3, 0


class Judge(nn.Module):
    """A convolutional trunk with one linear head an attribute."""

    def __init__(self, shape: tuple[int, int, int], attributes: dict[str, Attribute]) -> None:
        super().__init__()
        w = WIDTH
        self.trunk = nn.Sequential(
            nn.Conv2d(shape[0], w, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(4 * w, 4 * w, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(256),
            nn.ReLU(),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(256, outputs(a)) for name, a in attributes.items()})
        self.trunk(torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Images (B, C, H, W) to the logits (B, K) of each category, or the value (B, 1)."""
        h = self.trunk(x)
        return {name: head(h).float() for name, head in self.heads.items()}


def outputs(attribute: Attribute) -> int:
    """Numbers that a head gives for an attribute."""
    if attribute.kind == "continuous":
        return 1
    return 2 if attribute.kind == "binary" else len(attribute.labels)


def train_judge(data: ImageData, seed: int = SEED, progress: Progress | None = None) -> Judge:
    """Trains a judge on original images.

    Arguments:
        data: Images and what is known about them.
        seed: Of the weights and the order of the images.
        progress: Called with the steps done and the steps in all; a bar is shown where None.

    Raises:
        ValueError: If nothing is known about the images.
    """
    if not data.attributes:
        raise ValueError(f"The data set {data.name!r} has no attributes to read. Leave out `--attributes`.")
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(data.image_shape, data.attributes)
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    targets = {k: torch.from_numpy(np.asarray(a.values)) for k, a in data.attributes.items()}
    known = {k: torch.from_numpy(a.known) for k, a in data.attributes.items()}
    spread = {k: scale(a.values[a.known]) for k, a in data.attributes.items() if a.kind == "continuous"}
    steps = EPOCHS * -(-len(data) // BATCH)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    with tqdm(total=steps, desc="judge", unit="step", disable=progress is not None) as bar:
        for _ in range(EPOCHS):
            order = torch.randperm(len(data), generator=generator)
            for chosen in order.split(BATCH):  # type: ignore[no-untyped-call]
                x = to_tensor(data.images[chosen.numpy()]).contiguous(memory_format=torch.channels_last)
                with torch.autocast("cpu", torch.bfloat16):
                    answers = judge(x)
                losses = []
                for name, answer in answers.items():
                    rows = known[name][chosen]
                    losses.append(error(answer[rows], targets[name][chosen][rows], spread.get(name)))
                optimizer.zero_grad(set_to_none=True)
                torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                bar.update()
                if progress:
                    progress(schedule.last_epoch, steps)
    judge.eval()
    return judge


def error(answer: Tensor, truth: Tensor, spread: float | None) -> Tensor:
    """Mean loss of the answers (B, K) of one head: cross-entropy, or squares of a spread where there is one; 0 of none."""
    if not len(truth):
        return answer.sum()
    if spread is None:
        return F.cross_entropy(answer, truth.long())
    return F.mse_loss(answer[:, 0], truth.float()) / spread**2


def scale(values: NDArray[np.generic]) -> float:
    """Standard deviation of a continuous attribute, at least a little."""
    return max(float(np.asarray(values, np.float64).std()), 1e-6) if len(values) else 1.0


def score(judge: Judge, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]) -> dict[str, float]:
    """Balanced accuracy (binary, categorical) or R^2 (continuous) of each attribute, read from uint8 images.

    Only the images count whose value is known; 0 where it is of none.
    """
    found = qualities(log_odds(judge, images, attributes), attributes)
    return {name: found[name].value if name in found else 0.0 for name in attributes}


def qualities(
    readings: Mapping[str, NDArray[np.float64]], attributes: Mapping[str, Attribute]
) -> dict[str, Quality]:
    """How well each attribute is read, on the images whose value is known; those known of fewer than 2 are left out.

    Arguments:
        readings: As `log_odds` gives them, of N images.
        attributes: Of the same images, by name.
    """
    found = {}
    for name, attribute in attributes.items():
        known = attribute.known
        truth, reading = np.asarray(attribute.values)[known], readings[name][known]
        if len(truth) < 2:
            continue
        if attribute.kind == "continuous":
            found[name] = quality_of_values(reading[:, 0], truth)
            continue
        chances = expit(reading)
        if attribute.kind == "binary":
            chances = np.concatenate([1 - chances, chances], axis=1)
        found[name] = quality_of_labels(chances, truth)
    return found


def expectations(
    judge: Judge, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]
) -> dict[str, NDArray[np.float64]]:
    """What the judge expects of each attribute: a continuous value, or the probability of what it may be.

    Arguments:
        judge: Trained with these attributes, perhaps among others.
        images: uint8, shape (N, H, W, C).
        attributes: What to read, by name.

    Returns:
        By name float64: the value, shape (N, 1); of a binary attribute the probability that it is there, (N, 1); of a
        categorical one that of each label, (N, K).
    """
    with torch.inference_mode():
        parts = [judge(x) for x in chunks(images)]
    found = {}
    for name, attribute in attributes.items():
        answer = torch.cat([part[name] for part in parts]).double()
        if attribute.kind != "continuous":
            answer = answer.softmax(1)
        found[name] = (answer[:, 1:] if attribute.kind == "binary" else answer).numpy()
    return found


def log_odds(
    judge: Judge, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]
) -> dict[str, NDArray[np.float64]]:
    """The classifier's unbounded reading of each attribute, which does not saturate where it is sure.

    Arguments:
        judge: Trained with these attributes, perhaps among others.
        images: uint8, shape (N, H, W, C).
        attributes: What to read, by name.

    Returns:
        By name float64: the value of a continuous attribute, shape (N, 1); the log-odds that a binary one is there,
        (N, 1); the log-odds of each label of a categorical one against all others, (N, K).
    """
    with torch.inference_mode():
        parts = [judge(x) for x in chunks(images)]
    found = {}
    for name, attribute in attributes.items():
        answer = torch.cat([part[name] for part in parts]).double()
        if attribute.kind == "binary":
            answer = answer[:, 1:] - answer[:, :1]
        elif attribute.kind == "categorical":
            others = [
                answer[:, [k for k in range(answer.shape[1]) if k != label]]
                for label in range(answer.shape[1])
            ]
            answer = answer - torch.stack([each.logsumexp(1) for each in others], dim=1)
        found[name] = answer.numpy()
    return found


def readability(model: Autoencoder, train: ImageData, test: ImageData) -> Metrics:
    """How well each attribute is read from reconstructions, as a share of how well from originals."""
    judge = train_judge(train)
    pictures = np.round(reconstruct(model, test.images) * 255).astype(np.uint8)
    original = score(judge, test.images, test.attributes)
    kept = score(judge, pictures, test.attributes)
    about = f"judge trained on {len(train)} original images, read from {len(test)} test images, seed {SEED}"
    metrics = {}
    for name, attribute in test.attributes.items():
        measure = "R^2" if attribute.kind == "continuous" else "balanced accuracy"
        note = f"{measure} {kept[name]:.4f} of reconstructions / {original[name]:.4f} of originals; {about}"
        if original[name] > 0:  # where the judge reads nothing from originals, there is no share to keep
            metrics[f"readable_{name}"] = metric(kept[name] / original[name], "share kept", note)
    return metrics
