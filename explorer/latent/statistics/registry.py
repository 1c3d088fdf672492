r"""The registry of statistics: what each number of the pages is, how it is estimated, and from how many images.

The pages' tooltips, the report, `latent-drag statistics` and docs/statistics.md read this file.
`benchmarks.calibration` measures whether the intervals cover as often as they say.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STATISTICS", "Statistic", "as_markdown", "tooltip", "unsupported"]


@dataclass(frozen=True)
class Statistic:
    """One number of the pages."""

    key: str
    name: str
    unit: str
    definition: str  # one sentence
    formula: str  # plain text
    estimator: str
    interval: str  # how its 95 % interval or its resolution is found
    null: str  # what it is where there is nothing to find
    fewest: int  # images, of the smaller side where there are two; fewer give no number
    source: str  # paper
    link: str


STATISTICS = {
    each.key: each
    for each in (
        Statistic(
            "gauge",
            "Distance to the data",
            "percentile",
            "The share of posterior draws of held-out images that lie nearer to the encoded images than this latent.",
            "percentile of d(z) among d(z*), z* ~ q(z | held-out x); d² = Σ w (z − μ)² to the 10th nearest image, "
            "w = var(μ) / (var(μ) + E[σ²])",
            "empirical distribution of one draw for each of up to 1,000 images",
            "resolution 0.1 percentiles at 1,000 draws",
            "uniform: 5 % of posterior draws of images lie above the 95th percentile. Near the data does not mean that an image "
            "has this latent: the mean of all latents is near many",
            100,
            "Ramaswamy et al. 2000",
            "https://doi.org/10.1145/342009.335437",
        ),
        Statistic(
            "angle",
            "Angle error",
            "degrees, 0 to 90",
            "The angle between the direction and the one that the same estimator gives on average over collections of this "
            "size.",
            "sin²θ = |e|² / |v|², e the part of the estimate's error that is orthogonal to the true direction",
            "delete-a-group jackknife estimate of E|e|²",
            "|e|² is a scaled χ² with the effective dimensions of the error as degrees of freedom; F quantiles; for the SVM fewer "
            "degrees, fitted to simulations of 10 to 200 images a side in 2 to 1,000 dimensions, which the calibration does not use",
            "near 90°: in D dimensions two unrelated directions are at 90° ± 57°/√D",
            10,
            "Quenouille 1956; Efron & Stein 1981",
            "https://doi.org/10.1214/aos/1176345462",
        ),
        Statistic(
            "auc",
            "AUC",
            "probability",
            "The probability that an image with the attribute lies farther along the direction than one without, for images "
            "that the direction was not fitted on.",
            "P(w·z₁ > w·z₀) + ½ P(equal)",
            "mean over five folds, five times (twice for slow fits)",
            "DeLong within folds, averaged over the repeats, widened for the noise that the folds' directions share; symmetric on the logit scale",
            "0.5",
            50,
            "DeLong et al. 1988; LeDell et al. 2015",
            "https://doi.org/10.1214/15-EJS1035",
        ),
        Statistic(
            "rank_correlation",
            "Rank correlation",
            "−1 to 1",
            "How well the order of the images along the direction follows the order of the attribute's values, for images that "
            "the direction was not fitted on.",
            "Spearman's ρ of w·z and the values, the middle third of the images included",
            "mean over five folds, five times (twice for slow fits)",
            "Bonett & Wright's variance in Fisher's z, widened for the noise that the folds' directions share",
            "0",
            50,
            "Bonett & Wright 2000",
            "https://doi.org/10.1007/BF02294183",
        ),
        Statistic(
            "sides",
            "Difference of the sides",
            "p-value",
            "How often sides drawn at random from the same images have means at least as far apart.",
            "share of permutations with |μ₁ − μ₀| at least as large",
            "199 random permutations of the labels",
            "resolution 0.005",
            "uniform in 0.005 to 1",
            5,
            "Fisher 1935; Phipson & Smyth 2010",
            "https://doi.org/10.2202/1544-6115.1585",
        ),
        Statistic(
            "success",
            "Success",
            "share of the images",
            "The share of test images whose target the attribute classifier reads as changed after the edit.",
            "mean of 1[side after ≠ side before]",
            "images that neither the direction nor the strength was fitted on",
            "Wilson",
            "the share that a random direction of equal movement flips",
            20,
            "Shen et al. 2020",
            "https://arxiv.org/abs/1907.10786",
        ),
        Statistic(
            "dependency",
            "Attribute dependency",
            "ratio",
            "How far the other attributes' logits move by the edit, on average, divided by how far the target's moves, each in "
            "standard deviations of its logit.",
            "mean over a ≠ t of mₐ / mₜ, mₐ = mean |Δlogitₐ| / σ(logitₐ)",
            "means over the test images; the largest mₐ / mₜ is shown beside the mean",
            "delta method over images",
            "the dependency of random directions of equal success",
            20,
            "Wu et al. 2020",
            "https://arxiv.org/abs/2011.12799",
        ),
        Statistic(
            "drift",
            "Drift of an attribute",
            "standard deviations of the logit per unit",
            "How far an attribute's logit moves along the edit, signed by the way each image is moved.",
            "mean of way · Δlogit / σ(logit)",
            "mean over the test images",
            "marked where a random-sign test rejects at a false discovery rate of 5 % over all cells",
            "0",
            20,
            "Benjamini & Hochberg 1995",
            "https://doi.org/10.1111/j.2517-6161.1995.tb02031.x",
        ),
        Statistic(
            "balanced_accuracy",
            "Balanced accuracy of the classifier",
            "share",
            "The share of a label's decoded images that the attribute classifier reads as that label, averaged over the labels.",
            "mean over labels k of n(read k, true k) / n(true k)",
            "decoded test images; R² for values",
            "Agresti–Coull for each label, their variances added; for R² the delta method over images",
            "1 over the number of labels; 0 for R²",
            100,
            "Brodersen et al. 2010",
            "https://doi.org/10.1109/ICPR.2010.764",
        ),
        Statistic(
            "overconfidence",
            "Overconfidence of the classifier",
            "percentage points",
            "The mean probability that the attribute classifier gives the label it reads, minus the share it reads right.",
            "mean max p − mean 1[label read = true label]",
            "decoded test images",
            "none; its standard error is at most 50 / √n points",
            "0",
            100,
            "Guo et al. 2017",
            "https://arxiv.org/abs/1706.04599",
        ),
        Statistic(
            "difference",
            "What sets a selection apart",
            "share, or mean",
            "How much more often the selected images have an attribute than the rest, where a random selection of the same "
            "size would rarely differ as much.",
            "mean inside − mean outside",
            "exact hypergeometric mid-p-value of labels, permutations of values; false discovery rate 5 %",
            "Wilson for shares, Student's t for means",
            "no difference",
            10,
            "Benjamini & Hochberg 1995",
            "https://doi.org/10.1111/j.2517-6161.1995.tb02031.x",
        ),
        Statistic(
            "linear_reach",
            "Linear predictability",
            "R², at most 1",
            "The share of the variance of one model's latents that a linear map of the other's predicts on held-out images.",
            "1 − Σ|b − b̂|² / Σ|b − mean b|²",
            "ridge regression fitted on every other image, its penalty chosen by leave-one-out error",
            "delta method over the held-out images",
            "0 or below",
            50,
            "Hoerl & Kennard 1970",
            "https://doi.org/10.1080/00401706.1970.10488634",
        ),
        Statistic(
            "cka",
            "Linear CKA",
            "0 to 1",
            "How similar two models' matrices of inner products between images are, whatever the rotation and scale.",
            "HSIC(a, b) / √(HSIC(a, a) HSIC(b, b))",
            "unbiased HSIC",
            "none; read it beside 0, its null",
            "0 on average",
            50,
            "Kornblith et al. 2019; Song et al. 2012",
            "https://arxiv.org/abs/1905.00414",
        ),
        Statistic(
            "effective_dimensions",
            "Effective dimensions",
            "dimensions",
            "Over how many dimensions the latents spread: D if all directions have equal variance.",
            "(tr Σ)² / tr Σ²",
            "unbiased for tr Σ² of normal latents",
            "none",
            "D for latents of equal variance",
            50,
            "Chen & Qin 2010",
            "https://doi.org/10.1214/09-AOS716",
        ),
        Statistic(
            "auroc",
            "AUROC of an outlier score",
            "probability",
            "The probability that an outlier scores above an inlier.",
            "P(s(outlier) > s(inlier)) + ½ P(equal)",
            "test images of the model's data set against the named outliers",
            "DeLong, symmetric on the logit scale",
            "0.5; below, the score points the wrong way",
            50,
            "DeLong et al. 1988",
            "https://doi.org/10.2307/2531595",
        ),
        Statistic(
            "fpr95",
            "FPR@95",
            "share of the inliers",
            "The share of inliers beyond the threshold that finds 95 % of the outliers.",
            "P(s(inlier) ≥ the outliers' 5th percentile)",
            "empirical",
            "Agresti–Coull with bootstrap variance",
            "0.95",
            50,
            "Hendrycks & Gimpel 2016; Zhou & Qin 2005",
            "https://arxiv.org/abs/1610.02136",
        ),
        Statistic(
            "false_alarms",
            "Expected false alarms",
            "of 1,000 images",
            "How many of 1,000 new images like the collection's lie beyond the threshold.",
            "1,000 · share of held-out images beyond it",
            "held-out images of the atlas",
            "Wilson",
            "the chosen share",
            50,
            "Wilson 1927",
            "https://doi.org/10.1080/01621459.1927.10502953",
        ),
        Statistic(
            "percentile",
            "Percentile of a picture",
            "percent",
            "The share of held-out images that score less of an outlier than this picture.",
            "100 · (below + ½ equal) / n",
            "held-out images of the atlas",
            "Wilson",
            "uniform for pictures like the collection's",
            50,
            "Wilson 1927",
            "https://doi.org/10.1080/01621459.1927.10502953",
        ),
    )
}


def tooltip(key: str) -> str:
    """Definition, formula, interval, null and source of a statistic, as Markdown.

    Raises:
        ValueError: If there is no such statistic.
    """
    each = _of(key)
    return (
        f"**{each.name}** ({each.unit}). {each.definition}\n\n`{each.formula}`\n\n"
        f"Estimator: {each.estimator}. 95 % interval: {each.interval}. With nothing to find: {each.null}. "
        f"[{each.source}]({each.link})"
    )


def unsupported(key: str, images: int) -> str:
    """Why a statistic cannot be given from so few images, in one sentence; "" where it can.

    Arguments:
        key: Of `STATISTICS`.
        images: How many there are, of the smaller side where there are two.

    Raises:
        ValueError: If there is no such statistic.
    """
    each = _of(key)
    if images >= each.fewest:
        return ""
    return f"{each.name}: not estimated from {images:,} images. It takes at least {each.fewest:,}."


def as_markdown() -> str:
    """All statistics as a Markdown table."""
    heads = [
        "Statistic",
        "Unit",
        "Definition",
        "Formula",
        "Estimator",
        "95 % interval",
        "Null",
        "Fewest",
        "Source",
    ]
    rows = [
        [
            e.name,
            e.unit,
            e.definition,
            f"`{e.formula}`",
            e.estimator,
            e.interval,
            e.null,
            str(e.fewest),
            f"[{e.source}]({e.link})",
        ]
        for e in STATISTICS.values()
    ]
    rule = ["---"] * len(heads)
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (heads, rule, *rows)
    )


def _of(key: str) -> Statistic:
    if key not in STATISTICS:
        raise ValueError(f"Unknown statistic {key[:40]!r}. Choose one of: {', '.join(STATISTICS)}.")
    return STATISTICS[key]
