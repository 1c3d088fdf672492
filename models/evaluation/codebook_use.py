r"""Metrics of discrete codes: use, perplexity, and the gain of a learnt prior over coding each code independently.

Unigram entropy  -sum_k p_k log2 p_k,   prior's cross-entropy  -1/n log2 p(codes of a grid of n cells)

in bits per code. The unigram p_k are the frequencies of the measured codes themselves, the most favourable choice. With
the decoder's likelihood the bound on an image of 8-bit pixels is, in bits per dimension,

(-log p(x'|k) - log p(k)) / (D log 2) + 8,   x' = (255 x + u) / 256,   u uniform in [0, 1)

References:
    | Generating Diverse High-Fidelity Images with VQ-VAE-2 (Razavi et al., 2019)
    | https://arxiv.org/abs/1906.00446
    | A Note on the Evaluation of Generative Models (Theis et al., 2015), for the uniform noise
    | https://arxiv.org/abs/1511.01844
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.data import ImageData
from models.data.tensors import chunks
from models.evaluation.metric import PIXELS, SEED, Metrics, metric
from models.layers.likelihoods import Gaussian
from models.protocols import DiscreteLatent, as_likelihood_model

__all__ = ["bits_per_dimension", "codebook_metrics", "unigram_bits"]


def codebook_metrics(model: DiscreteLatent, data: ImageData) -> Metrics:
    """Use, perplexity and entropy of each level's codes, and their cross-entropy under the prior, if there is one.

    Arguments:
        model: A model with discrete codes.
        data: Test images.
    """
    counts = [torch.zeros(len(book), dtype=torch.long) for book in model.codebooks()]
    nats = [0.0 for _ in counts]
    with torch.inference_mode():
        for x in chunks(data.images):
            codes = model.codes(x)
            for count, each in zip(counts, codes, strict=True):
                count += torch.bincount(each.flatten(), minlength=len(count))
            if model.spec.prior:
                nats = [
                    sum_ + float(nll.sum()) for sum_, nll in zip(nats, model.code_nll(codes), strict=True)
                ]
    about = f"{data.name} {data.split}, {len(data)} images"
    metrics: Metrics = {}
    for level, count, total in zip(model.spec.levels, counts, nats, strict=True):
        behind = f"_{level.name}" if len(counts) > 1 else ""
        bits, used = unigram_bits(count), 100 * float((count > 0).float().mean())
        metrics[f"codes_used{behind}"] = metric(used, f"% of {len(count)} codes", f"at least once, {about}")
        metrics[f"perplexity{behind}"] = metric(2**bits, "codes", f"2 to the unigram entropy, {about}")
        metrics[f"code_entropy{behind}"] = metric(bits, "bits/code", f"unigram, {about}")
        if model.spec.prior:
            own = total / math.log(2) / int(count.sum())
            metrics[f"prior_bits{behind}"] = metric(
                own, "bits/code", f"cross-entropy of the learnt prior, {about}"
            )
    if model.spec.prior:
        unigram = sum(unigram_bits(count) * int(count.sum()) for count in counts)
        share = sum(nats) / math.log(2) / unigram if unigram else math.inf
        metrics["prior_share"] = metric(share, "of the unigram entropy", f"learnt prior, all levels, {about}")
        numbers = math.prod(model.image_shape)
        said = f"-log p of the codes alone, {about}"
        metrics["code_bits_per_dim"] = metric(sum(nats) / math.log(2) / len(data) / numbers, "bits/dim", said)
        if model.spec.likelihood == "bound":
            metrics |= bits_per_dimension(model, data)
    return metrics


def unigram_bits(counts: Tensor) -> float:
    """Entropy in bits, from the counts (K,) of codes."""
    p = counts.double() / counts.sum()
    return float(torch.special.entr(p).sum() / math.log(2))


def bits_per_dimension(model: DiscreteLatent, data: ImageData) -> Metrics:
    """The bound in bits per dimension; empty if the likelihood is not a density of grey pixels."""
    decoder = as_likelihood_model(model)
    if not isinstance(decoder.likelihood, Gaussian):
        return {}
    generator = torch.Generator().manual_seed(PIXELS + SEED)
    total = 0.0
    with torch.inference_mode():
        for x in chunks(data.images):
            noisy = (255 * x + torch.rand(x.shape, generator=generator)) / 256
            total += float(
                (decoder.nll(model.encode(x).mean, noisy) + sum(model.code_nll(model.codes(x)))).sum()
            )
    bits = total / len(data) / math.prod(model.image_shape) / math.log(2) + 8
    about = "bound: the encoder's own codes under the learnt prior, Gaussian decoder on uniformly dequantised 8-bit pixels"
    said = f"{about}, {data.name} {data.split}, {len(data)} images, seed {SEED}"
    return {"bits_per_dim": metric(bits, "bits/dim", said)}
