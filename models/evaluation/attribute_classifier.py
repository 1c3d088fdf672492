"""A classifier that reads attributes from pixels, and how well it reads them from reconstructions.

One small convolutional network learns all attributes from original training images, and then reads test images and
their reconstructions. What it reads less well from the reconstructions is information that the model has lost.
Categories are scored by balanced accuracy, continuous factors by R^2 (`models.evaluation.reading_quality`). Images
whose value of an attribute is missing count neither in its training nor in its score.
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

__all__ = [
    "AttributeClassifier",
    "expectations",
    "log_odds",
    "qualities",
    "readability",
    "score",
    "train_classifier",
]

WIDTH, EPOCHS, BATCH, RATE, SEED = 24, 12, 128, 2e-3, 0


class AttributeClassifier(nn.Module):
    """A convolutional trunk with one linear head per attribute."""

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
    """Number of outputs of the head of an attribute."""
    if attribute.kind == "continuous":
        return 1
    return 2 if attribute.kind == "binary" else len(attribute.labels)


def train_classifier(
    data: ImageData, seed: int = SEED, progress: Progress | None = None
) -> AttributeClassifier:
    """Trains a classifier on original images.

    Arguments:
        data: Images with attributes.
        seed: Seed of the weights and of the order of the images.
        progress: Called with the steps done and their total; None shows a progress bar.

    Raises:
        ValueError: If the images have no attributes.
    """
    if not data.attributes:
        raise ValueError(f"The data set {data.name!r} has no attributes to read. Leave out `--attributes`.")
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = AttributeClassifier(data.image_shape, data.attributes)
    classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    targets = {k: torch.from_numpy(np.asarray(a.values)) for k, a in data.attributes.items()}
    known = {k: torch.from_numpy(a.known) for k, a in data.attributes.items()}
    spread = {k: scale(a.values[a.known]) for k, a in data.attributes.items() if a.kind == "continuous"}
    steps = EPOCHS * -(-len(data) // BATCH)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    with tqdm(total=steps, desc="classifier", unit="step", disable=progress is not None) as bar:
        for _ in range(EPOCHS):
            order = torch.randperm(len(data), generator=generator)
            for chosen in order.split(BATCH):  # type: ignore[no-untyped-call]
                x = to_tensor(data.images[chosen.numpy()]).contiguous(memory_format=torch.channels_last)
                with torch.autocast("cpu", torch.bfloat16):
                    answers = classifier(x)
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
    classifier.eval()
    return classifier


def error(answer: Tensor, truth: Tensor, spread: float | None) -> Tensor:
    """Mean loss of one head's outputs (B, K): cross-entropy, or squared error in units of `spread` if given; 0 for an empty batch."""
    if not len(truth):
        return answer.sum()
    if spread is None:
        return F.cross_entropy(answer, truth.long())
    return F.mse_loss(answer[:, 0], truth.float()) / spread**2


def scale(values: NDArray[np.generic]) -> float:
    """Standard deviation of a continuous attribute, bounded away from 0."""
    return max(float(np.asarray(values, np.float64).std()), 1e-6) if len(values) else 1.0


def score(
    classifier: AttributeClassifier, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]
) -> dict[str, float]:
    """Balanced accuracy (binary, categorical) or R^2 (continuous) of each attribute, read from uint8 images.

    Images with a missing value do not count; the score is 0 if all are missing.
    """
    by_name = qualities(log_odds(classifier, images, attributes), attributes)
    return {name: by_name[name].value if name in by_name else 0.0 for name in attributes}


def qualities(
    readings: Mapping[str, NDArray[np.float64]], attributes: Mapping[str, Attribute]
) -> dict[str, Quality]:
    """How well each attribute is read, on images with a known value; attributes known of fewer than 2 are left out.

    Arguments:
        readings: From `log_odds`, of N images.
        attributes: Attributes of the same images, by name.
    """
    by_name = {}
    for name, attribute in attributes.items():
        known = attribute.known
        truth, reading = np.asarray(attribute.values)[known], readings[name][known]
        if len(truth) < 2:
            continue
        if attribute.kind == "continuous":
            by_name[name] = quality_of_values(reading[:, 0], truth)
            continue
        chances = expit(reading)
        if attribute.kind == "binary":
            chances = np.concatenate([1 - chances, chances], axis=1)
        by_name[name] = quality_of_labels(chances, truth)
    return by_name


def expectations(
    classifier: AttributeClassifier, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]
) -> dict[str, NDArray[np.float64]]:
    """The classifier's prediction of each attribute: a continuous value, or probabilities.

    Arguments:
        classifier: Trained with these attributes, perhaps among others.
        images: uint8, shape (N, H, W, C).
        attributes: Attributes to read, by name.

    Returns:
        float64 by name: the value, shape (N, 1); of a binary attribute its probability, (N, 1); of a categorical one
        the probability of each label, (N, K).
    """
    with torch.inference_mode():
        parts = [classifier(x) for x in chunks(images)]
    by_name = {}
    for name, attribute in attributes.items():
        answer = torch.cat([part[name] for part in parts]).double()
        if attribute.kind != "continuous":
            answer = answer.softmax(1)
        by_name[name] = (answer[:, 1:] if attribute.kind == "binary" else answer).numpy()
    return by_name


def log_odds(
    classifier: AttributeClassifier, images: NDArray[np.uint8], attributes: Mapping[str, Attribute]
) -> dict[str, NDArray[np.float64]]:
    """The classifier's reading of each attribute on an unbounded scale, which does not saturate at high confidence.

    Arguments:
        classifier: Trained with these attributes, perhaps among others.
        images: uint8, shape (N, H, W, C).
        attributes: Attributes to read, by name.

    Returns:
        float64 by name: the value of a continuous attribute, shape (N, 1); the log-odds of a binary one, (N, 1); the log-odds of each label of a categorical one against all others, (N, K).
    """
    with torch.inference_mode():
        parts = [classifier(x) for x in chunks(images)]
    by_name = {}
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
        by_name[name] = answer.numpy()
    return by_name


def readability(model: Autoencoder, train: ImageData, test: ImageData) -> Metrics:
    """How well each attribute is read from reconstructions, relative to originals."""
    classifier = train_classifier(train)
    pictures = np.round(reconstruct(model, test.images) * 255).astype(np.uint8)
    original = score(classifier, test.images, test.attributes)
    reconstructed = score(classifier, pictures, test.attributes)
    about = f"judge trained on {len(train)} original images, read from {len(test)} test images, seed {SEED}"
    metrics = {}
    for name, attribute in test.attributes.items():
        measure = "R^2" if attribute.kind == "continuous" else "balanced accuracy"
        note = f"{measure} {reconstructed[name]:.4f} of reconstructions / {original[name]:.4f} of originals; {about}"
        if original[name] > 0:  # without a score on originals there is no ratio
            metrics[f"readable_{name}"] = metric(reconstructed[name] / original[name], "share kept", note)
    return metrics
