r"""Measures a checkpoint on the test images it was not trained on.

Every figure carries its unit and its protocol. Means are over images, never over batches.

PSNR = -10 log10(MSE) of pixels in [0, 1];  ELBO = E_q [log p(x|z)] - KL(q(z|x) || p(z)), one draw of z an image;
active units: Var_x(E[z|x]) > 0.01 (Burda et al. 2015).

bits/dim = -log2 P(x) / numbers of an image, of the 8-bit image (Theis et al. 2015). It and the error of the inverse
are a flow's figures; those of reconstructions and codes say nothing of a model that loses nothing.

Pixels that a likelihood draws as 0 or 1 are drawn once, with a seed, and stay the same for all figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import checkpoint
from models.base import Autoencoder, config_from_dict
from models.checkpoint import Card, CheckpointError, Entry
from models.data import ImageData, load_data
from models.evaluation.importance_sampling import importance_sampled, naive_monte_carlo

__all__ = [
    "Wanted", "active_units", "bound", "codes", "density", "evaluate", "inverse", "log_likelihood", "observed",
    "reconstruct", "reconstruction", "restoration", "sparsity", "sums_of_terms", "table", "to_tensor",
]  # fmt: skip

BATCH = 256
SSIM_IMAGES = 1000
SSIM_WINDOW = 11  # pixels that the Gaussian window needs
SEED = 0
PIXELS = 1 << 31  # added to the seed of drawn pixels, so that they share no numbers with the draws of z
STILL = 1e-4  # standard deviation over the images below which a unit is dead

Metrics = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """What to measure beside the figures that take seconds."""

    samples: int | None = None  # L of the importance-sampled and the naive log-likelihood
    probe: bool = False  # error of a linear probe for each class
    disentanglement: bool = False  # MIG, DCI, SAP, FactorVAE and beta-VAE score
    attributes: bool = False  # what classifiers trained on pixels read from reconstructions


def evaluate(
    name: str | Path,
    wanted: Wanted = Wanted(),
    *,
    seeds: Sequence[str | Path] = (),
    limit: int | None = None,
    command: str = "",
    write: bool = False,
) -> Metrics:
    """Measures a checkpoint on its data set's test split.

    Arguments:
        name: Name or folder of the checkpoint.
        wanted: What to measure beside the quick figures.
        seeds: Names or folders of runs that differ from the checkpoint by their seed alone; they are measured
            too, and each figure keeps the values of all runs in `values`, the checkpoint's own first.
        limit: Use the first images only; all where None.
        command: What to note as the figures' command.
        write: Keep the figures in the checkpoint's card.

    Returns:
        Figures by name, each with value, unit, protocol and command.

    Raises:
        ValueError: If the checkpoint can not be used, does not offer what is wanted, or its weights changed
            meanwhile; if a run of `seeds` is another model or another training.
    """
    entry = checkpoint.read(name)
    metrics = measure(entry, wanted, limit)
    if seeds:
        runs = [checkpoint.read(seed) for seed in seeds]
        numbers = _seeds(entry, runs)
        others = [measure(run, wanted, limit) for run in runs]
        for key, one in metrics.items():
            one["values"] = [one["value"], *(other[key]["value"] for other in others)]
            one["protocol"] += f"; runs of seeds {', '.join(map(str, numbers))}"
    for one in metrics.values():
        one["command"] = command
    if write:
        card = _card(checkpoint.read(entry.path))  # it may have changed: a measurement takes minutes to hours
        if card.weights_sha256 != _card(entry).weights_sha256:
            raise checkpoint.CheckpointError(
                f"The weights of {entry.name} changed while they were measured, so the metrics are not kept. "
                "Measure again."
            )
        kept = {key: _kept(card.metrics.get(key, {}), one) for key, one in metrics.items()}
        checkpoint.write_card(entry.path, replace(card, metrics={**card.metrics, **kept}))
    return metrics


def measure(entry: Entry, wanted: Wanted = Wanted(), limit: int | None = None) -> Metrics:
    """The figures of one checkpoint."""
    card = _card(entry)
    model = checkpoint.load(entry.path)
    name, options = card.data["name"], card.data.get("options", {})
    if model.spec.sequence:
        from models.evaluation.sequences import sequence_figures

        if asked := [option for option, value in vars(wanted).items() if value]:
            raise ValueError(
                f"{entry.name} is a model of sequences. Leave out `--{asked[0]}`, which asks images."
            )
        return sequence_figures(model, name, options, limit)
    data = load_data(name, "test", limit=limit, **options)
    if model.spec.likelihood == "exact":
        metrics = density(model, data) | ({} if model.spec.discrete else inverse(model, data))
    else:
        metrics = reconstruction(model, data) | restoration(model, data) | bound(model, data)
        metrics |= sparsity(model, data)
    if model.spec.discrete:
        from models.evaluation.codebook_use import code_figures

        metrics |= code_figures(model, data)
    elif model.spec.likelihood == "bound":
        metrics |= active_units(model, data)
    if wanted.samples is not None:
        metrics |= log_likelihood(model, data, wanted.samples)
    if wanted.probe:
        from models.evaluation.linear_probe import probe

        metrics |= probe(model, load_data(name, "train", **options), data)
    if wanted.disentanglement:
        from models.evaluation.disentanglement import disentanglement

        metrics |= disentanglement(model, data)
    if wanted.attributes:
        from models.evaluation.attribute_classifier import readability

        metrics |= readability(model, load_data(name, "train", **options), data)
    return metrics


def _kept(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What a card keeps of a figure: one measured on several seeds stays as long as it comes out the same."""
    same = old.get("value") == new["value"] and old.get("protocol", "").startswith(new["protocol"])
    return old if same and "values" in old and "values" not in new else new


def _card(entry: Entry) -> Card:
    if entry.card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    return entry.card


def _as_trained(card: Card, field: str) -> Any:
    """A field of a card; a configuration whole, with the defaults of what was added to the model since."""
    from models import MODELS  # which imports all families

    if field != "config" or card.model not in MODELS:
        return getattr(card, field)
    return config_from_dict(MODELS[card.model].Config, card.config)


def _seeds(entry: Entry, runs: Sequence[Entry]) -> list[Any]:
    """The seeds of a checkpoint and of other runs of the same training, in this order."""
    cards = [_card(each) for each in (entry, *runs)]
    for run, card in zip(runs, cards[1:], strict=True):
        for field in ("model", "config", "data"):
            if _as_trained(card, field) != _as_trained(cards[0], field):
                raise ValueError(
                    f"`seeds` must name runs that differ by their seed alone. {run.path} has another `{field}` "
                    f"than {entry.name}."
                )
    numbers = [card.training.get("seed") for card in cards]
    if None in numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"`seeds` must name runs of different seeds. Got the seeds {numbers}.")
    return numbers


def reconstruct(model: Autoencoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Decodes the posterior means of uint8 images (N, H, W, C) to float pictures in [0, 1], same shape."""
    with torch.inference_mode():
        return np.concatenate([_pictures(model, x) for x in chunks(images)])


def _pictures(model: Autoencoder, x: Tensor) -> NDArray[np.float32]:
    """The reconstructions of images (B, C, H, W), as (B, H, W, C)."""
    pictures: NDArray[np.float32] = model.decode(model.encode(x).mean).permute(0, 2, 3, 1).numpy()
    return pictures


def codes(model: Autoencoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Posterior means of uint8 images (N, H, W, C), each as one row: (N, D)."""
    with torch.inference_mode():
        return torch.cat([model.encode(x).mean.flatten(1) for x in chunks(images)]).numpy()


def reconstruction(model: Autoencoder, data: ImageData) -> Metrics:
    """MSE, squared error of an image, PSNR and SSIM of the decoded posterior mean."""
    from skimage.metrics import structural_similarity

    truth = data.images.astype(np.float32) / 255
    small = min(data.images.shape[1:3]) < SSIM_WINDOW
    window = {"win_size": 7} if small else {"gaussian_weights": True, "sigma": 1.5}
    pictures = reconstruct(model, data.images)
    mse = ((truth - pictures) ** 2).mean((1, 2, 3))
    psnr = -10 * np.log10(np.maximum(mse, 1e-10))
    ssim = [
        structural_similarity(  # type: ignore[no-untyped-call]
            a, b, data_range=1.0, channel_axis=-1, use_sample_covariance=False, **window
        )
        for a, b in zip(truth[:SSIM_IMAGES], pictures[:SSIM_IMAGES], strict=True)
    ]  # fmt: skip
    about = f"{_decoded(model)}, {_images(data)}"
    kind = "even window of 7 pixels" if small else "Gaussian window 1.5"
    first = f"{about.rsplit(',', 1)[0]}, first {len(ssim)} images, {kind} (Wang et al. 2004)"
    return {
        "mse": figure(mse.mean(), "per pixel, [0, 1]", about),
        "squared_error": figure(mse.mean(dtype=np.float64) * truth[0].size, "per image, [0, 1]", about),
        "psnr": figure(psnr.mean(), "dB", about),
        "ssim": figure(np.mean(ssim), "", first),
    }


def restoration(model: Autoencoder, data: ImageData) -> Metrics:
    """How far the reconstructions of half-masked images are from the whole images."""
    generator = torch.Generator().manual_seed(SEED)
    total = 0.0
    with torch.inference_mode():
        for x in chunks(data.images):
            kept = torch.rand(len(x), 1, *x.shape[2:], generator=generator) < 0.5
            misses = _pictures(model, x * kept) - x.permute(0, 2, 3, 1).numpy()
            total += float(np.square(misses, dtype=np.float64).sum())
    about = f"half of the pixels set to 0 (seed {SEED}), {_decoded(model)} against the whole image, {_images(data)}"
    return {"restored_error": figure(total / len(data), "per image, [0, 1]", about)}


def _decoded(model: Autoencoder) -> str:
    """What a reconstruction is decoded from."""
    return "decoded posterior mean" if model.spec.posterior else "decoded latent"


def bound(model: Autoencoder, data: ImageData) -> Metrics:
    """The training loss and its terms on test images; where it bounds log p(x), the ELBO and its two terms too."""
    about = f"{_pixels(model)}, {_images(data)}, seed {SEED}"
    metrics = _means(sums_of_terms(model, chunks(data.images)), len(data), f"as trained, {about}")
    if model.spec.likelihood == "bound":
        drawn = "the encoder's own codes" if model.spec.discrete else "1 sample of z"
        with torch.inference_mode():
            metrics |= _means(_elbo(model, data), len(data), f"{drawn}, {about}")
    return metrics


def sums_of_terms(model: Autoencoder, batches: Iterator[Tensor]) -> dict[str, float]:
    """Sums over images, or sequences, of the training loss and its terms, in nats."""
    generator = torch.Generator().manual_seed(SEED)
    sums: dict[str, float] = {}
    with torch.inference_mode():
        for x in batches:
            loss = model.loss(x, generator=generator)
            _add(sums, {"loss": loss.total, **loss.terms}, len(x))
    return sums


def _elbo(model: Any, data: ImageData) -> dict[str, float]:
    """Sums over the images of the ELBO, of -log p(x|z) and of the KL divergence."""
    generator = torch.Generator().manual_seed(SEED)
    sums: dict[str, float] = {}
    for x in observed(model, data):
        q = model.encode(x)
        kl = sum(model.code_nll(model.codes(x))) if model.spec.discrete else q.kl().flatten(1).sum(1)
        terms = {"reconstruction": model.nll(q.sample(generator), x).mean(), "kl": kl.mean()}
        _add(sums, {"elbo": -sum(terms.values()), **terms}, len(x))
    return sums


def _means(sums: dict[str, float], count: int, about: str) -> Metrics:
    """Sums over images as figures."""
    return {term: figure(total / count, "nats/image", about) for term, total in sums.items()}


def _add(sums: dict[str, float], means: dict[str, Any], count: int) -> None:
    """Adds the means over `count` images to sums over images."""
    for name, mean in means.items():
        sums[name] = sums.get(name, 0.0) + float(mean) * count


def density(model: Autoencoder, data: ImageData) -> Metrics:
    """Bits/dim of a model with an exact likelihood, and its loss and terms: one draw of a flow's noise an image.

    References:
        | A note on the evaluation of generative models (Theis et al., 2015)
        | https://arxiv.org/abs/1511.01844
    """
    metrics = bound(model, data)
    nats, about = metrics["loss"]["value"], metrics["loss"]["protocol"]
    bits = nats / (math.prod(model.image_shape) * math.log(2))
    about = about.removeprefix("as trained, ")
    about = about if model.spec.discrete else f"1 draw of noise an image, {about}"
    return {"bits_per_dim": figure(bits, "bits/dim", about), **metrics}


def inverse(model: Autoencoder, data: ImageData) -> Metrics:
    """How far decoding what was encoded is from the images, at the pixel where it is furthest."""
    pictures = reconstruct(model, data.images)
    worst = np.abs(pictures - data.images.astype(np.float32) / 255).max()
    about = f"largest |decode(encode(x)) - x| of all pixels, {_images(data)}"
    return {"inverse_error": figure(worst, "of a pixel, [0, 1]", about)}


def log_likelihood(model: Autoencoder, data: ImageData, samples: int) -> Metrics:
    """-log p(x) by importance sampling, and by naive Monte Carlo with as many draws.

    Raises:
        ValueError: If the model has no prior or no likelihood, or there is no sample.
    """
    if model.spec.likelihood == "exact":
        raise ValueError(
            f"`samples` must be left out: {type(model).__name__} gives log p(x) exactly, and `bits_per_dim` says it."
        )
    x = torch.cat(list(observed(model, data)))
    about = f"{_pixels(model)}, {_images(data)}, seed {SEED}"
    metrics = {}
    for name, estimate, drawn in (
        ("nll", importance_sampled(model, x, samples, seed=SEED, progress=True), "importance sampling"),
        ("nll_naive", naive_monte_carlo(model, x, samples, seed=SEED), "naive Monte Carlo"),
    ):
        metrics[name] = figure(-estimate.mean, "nats/image", f"{drawn}, {samples} samples, {about}")
        if math.isfinite(estimate.error):
            metrics[name]["error"] = round(estimate.error, 6)
    return metrics


def active_units(model: Autoencoder, data: ImageData) -> Metrics:
    """Latent dimensions whose posterior mean varies over the images.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015)
        | https://arxiv.org/abs/1509.00519
    """
    means = codes(model, data.images)
    active = int((means.var(0) > 0.01).sum())
    about = f"Var of the posterior mean > 0.01, {_images(data)}"
    return {"active_units": figure(active, f"of {means.shape[1]} dimensions", about)}


def sparsity(model: Autoencoder, data: ImageData) -> Metrics:
    """Of codes that are never negative or that are 0 at times: how many units speak, how much, and which never do."""
    if model.spec.discrete:
        return {}
    z = codes(model, data.images)
    if z.min() < 0 and (z != 0).all():
        return {}
    units, about = z.shape[1], _images(data)
    dead = 100 * (z.std(0, dtype=np.float64) < STILL).mean()
    still = f"standard deviation over the images below {STILL:g}"
    metrics = {
        "mean_activation": figure(z.mean(dtype=np.float64), "", f"mean over units and images, {about}"),
        "dead_units": figure(dead, f"% of {units} units", f"{still}, {about}"),
    }
    if (z == 0).any():
        active = (z != 0).sum(1).mean()
        metrics["active_codes"] = figure(active, f"of {units} units", f"not 0, mean over the images, {about}")
    return metrics


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 (N, H, W, C) as float (N, C, H, W) in [0, 1]."""
    return torch.tensor(np.asarray(images)).permute(0, 3, 1, 2).float() / 255


def chunks(images: NDArray[np.uint8]) -> Iterator[Tensor]:
    """Consecutive batches of uint8 images, as float tensors."""
    for start in range(0, len(images), BATCH):
        yield to_tensor(images[start : start + BATCH])


def observed(model: Any, data: ImageData) -> Iterator[Tensor]:
    """Consecutive batches of what the model's likelihood is for, pixels drawn with a seed where it draws them."""
    generator = torch.Generator().manual_seed(PIXELS + SEED)
    for x in chunks(data.images):
        yield model.likelihood.prepare(x, generator)


def _images(data: ImageData) -> str:
    """Which images a figure is of, for its protocol."""
    return f"{data.name} {data.split}, {len(data)} images"


def _pixels(model: Autoencoder) -> str:
    """What the pixels are, for a protocol."""
    likelihood = getattr(model, "likelihood", model)
    return getattr(likelihood, "pixels", "grey pixels")


def figure(value: Any, unit: str, protocol: str) -> dict[str, Any]:
    """One figure with its unit and how it was measured.

    Raises:
        ValueError: If the value is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(
            f"A figure must be finite. Got {value} ({protocol}): the model gives no numbers there."
        )
    return {"value": round(float(value), 6), "unit": unit, "protocol": protocol}


def table(metrics: Metrics) -> str:
    """Figures as aligned lines for a terminal."""
    width = max(len(name) for name in metrics)
    return "\n".join(
        f"{name:{width}}  {m['value']:12.4f}  {m['unit']:20}  {m['protocol']}"
        + (f", standard error over images {m['error']:.3g}" if "error" in m else "")
        for name, m in metrics.items()
    )
