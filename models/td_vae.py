r"""TD-VAE: a sequence model that infers a belief state from the frames so far and predicts later states directly.

The belief state b_t is a function of x_1 ... x_t. p_B(z|b_t) is the distribution of the state z at t given the belief,
p_T(z_t2|z_t1) that of a later state, p_D(x|z) that of the frame given a state, and q_S(z_t1|z_t2, b_t1, b_t2) that of
the earlier state given the later one. For two times t1 < t2, with z_t2 ~ p_B(.|b_t2) and then z_t1 ~ q_S,

    log p(x_t2 | x_1 ... x_t1) >= E [ log p_D(x_t2|z_t2)                                     reconstruction
                                      - (log p_B(z_t2|b_t2) - log p_T(z_t2|z_t1))            prediction
                                      - KL(q_S(z_t1|z_t2, b_t1, b_t2) || p_B(z_t1|b_t1)) ]   smoothing

A state has two layers, drawn top down: p(z|c) = p(z^2|c) p(z^1|z^2, c). Each is a diagonal Gaussian

    [mu, log sigma] = W_3 (tanh(W_1 c) * sigmoid(W_2 c))

(the paper's map D). There are three changes from the paper. p_T and q_S are conditioned on the jump t2 - t1, so that the
length of a jump can be chosen. Their mu is the output of D plus an initial state: z_t1 for p_T, since most of a state
persists, and the mean of p_B(z_t1|b_t1) for q_S. And b_t = (h_t, f_t) is the output of the LSTM with the features of the
last frame, so that a state learns to decode to its frame before the LSTM has learnt to remember.

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019)
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.layers.likelihoods import HALF_LOG_TWO_PI, LIKELIHOODS, make_likelihood
from models.layers.networks import make_decoder, make_encoder
from models.sharding import draw
from models.vae import LOG_STD_RANGE, soft_clamp

__all__ = ["TDVAE", "Gaussian", "TDVAEConfig", "TwoLayers"]


@dataclass(frozen=True)
class TDVAEConfig(NetworkConfig):
    """Configuration of a TD-VAE."""

    latent: int = setting(
        32, "dimensions of a state z; half of them, rounded down, are its top layer", low=2, high=1024
    )
    likelihood: str = setting(
        "bernoulli", "distribution of the pixels given the decoder's output", choices=LIKELIHOODS
    )
    belief: int = setting(128, "units of the LSTM", low=1, high=2048)
    features: int = setting(128, "features of a frame that the encoder passes to the LSTM", low=1, high=2048)
    hidden: int = setting(64, "units of each map D", low=1, high=2048)
    jump: int = setting(5, "longest jump from t1 to t2, in frames", low=1, high=64)
    pairs: int = setting(4, "pairs (t1, t2) per sequence in a step", low=1, high=64)


@dataclass(frozen=True)
class Gaussian:
    """A batch of diagonal Gaussians."""

    mean: Tensor  # (B, D)
    std: Tensor  # (B, D)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draws mean + std * eps, (B, D), reparameterised."""
        return Posterior(self.mean, self.std).sample(generator)

    def log_prob(self, z: Tensor) -> Tensor:
        """Computes the log-density log N(z; mean, std^2) of latents (B, D), in nats, shape (B,)."""
        eps = (z - self.mean) / self.std
        return -(0.5 * eps.square() + self.std.log() + HALF_LOG_TWO_PI).sum(1)

    def kl(self, other: Gaussian) -> Tensor:
        """Computes KL(self || other) in nats, shape (B,)."""
        ratio = self.std / other.std
        gap = (self.mean - other.mean) / other.std
        return (0.5 * (ratio.square() + gap.square() - 1) - ratio.log()).sum(1)


class DMap(nn.Module):
    """The paper's map D from a context (B, C) to the mean and log standard deviation of a layer, (B, D) each."""

    def __init__(self, context: int, hidden: int, size: int) -> None:
        super().__init__()
        self.value = nn.Linear(context, hidden)
        self.gate = nn.Linear(context, hidden)
        self.out = nn.Linear(hidden, 2 * size)

    def forward(self, context: Tensor) -> tuple[Tensor, Tensor]:
        both = self.out(self.value(context).tanh() * self.gate(context).sigmoid()).float()
        mean, log_std = both.chunk(2, dim=1)
        return mean, soft_clamp(log_std, *LOG_STD_RANGE)


class TwoLayers(nn.Module):
    """p(z|c) = p(z^2|c) p(z^1|z^2, c): the top layer z^2, then the bottom layer z^1 given it.

    The first dimensions of a state z (B, D) are the top layer.

    Arguments:
        context: Dimensions of c.
        sizes: Dimensions of the top and of the bottom layer.
        hidden: Units of each map D.
    """

    __call__: Callable[..., tuple[Tensor, Gaussian]]

    def __init__(self, context: int, sizes: tuple[int, int], hidden: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.top = DMap(context, hidden, sizes[0])
        self.bottom = DMap(context + sizes[0], hidden, sizes[1])

    def layer(self, number: int, context: Tensor, origin: Tensor | None) -> Gaussian:
        """Computes the Gaussian of a layer: 0 for the top, with context c; 1 for the bottom, with context [z^2, c]."""
        mean, log_std = (self.bottom if number else self.top)(context)
        if origin is not None:
            top = self.sizes[0]
            mean = mean + (origin[:, top:] if number else origin[:, :top])
        return Gaussian(mean, log_std.exp())

    def forward(
        self,
        context: Tensor,
        generator: torch.Generator | None = None,
        *,
        origin: Tensor | None = None,
        at: Tensor | None = None,
        means: bool = False,
    ) -> tuple[Tensor, Gaussian]:
        """Draws a state; returns it with the Gaussian of each layer given the one above it.

        Arguments:
            context: c, (B, C).
            generator: Source of the noise; torch's default generator if None.
            origin: A state (B, D) that is added to the means; none by default.
            at: A given state (B, D), which is not drawn.
            means: Take the mean of each layer instead of a draw.

        Returns:
            The state z (B, D), and the Gaussians of its D dimensions, each given the layers above in z: log p(z|c) is
            their `log_prob(z)`.
        """
        top = self.layer(0, context, origin)
        first = at[:, : self.sizes[0]] if at is not None else top.mean if means else top.sample(generator)
        bottom = self.layer(1, torch.cat([first, context], dim=1), origin)
        second = (
            at[:, self.sizes[0] :] if at is not None else bottom.mean if means else bottom.sample(generator)
        )
        joint = Gaussian(torch.cat([top.mean, bottom.mean], 1), torch.cat([top.std, bottom.std], 1))
        return torch.cat([first, second], dim=1), joint


class TDVAE(Autoencoder):
    """TD-VAE with two layers of latents, for sequences of images.

    `encode` and `loss` take sequences (B, T, C, H, W) instead of images. A latent is a state, and decodes to one frame.
    """

    Config: ClassVar[type[Any]] = TDVAEConfig
    description = FamilyDescription(
        title="TD-VAE",
        idea="A sequence model that infers a belief state from the frames so far and predicts later states directly.",
        year=2019,
        paper="Temporal Difference Variational Auto-Encoder, Gregor et al.",
        link="https://arxiv.org/abs/1806.03107",
    )

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.spec = LatentSpec((config.latent,), prior=False, likelihood="none", sequence=True)
        sizes = (config.latent // 2, config.latent - config.latent // 2)
        network = (config.network, self.image_shape, config.width, config.depth)
        self.encoder = make_encoder(*network, config.features, config.neck)
        # Without it, the noise of z hides the content of a frame for a long part of the training.
        self.normalised = nn.LayerNorm(config.features)
        self.recurrence = nn.LSTM(config.features, config.belief, batch_first=True)
        belief = config.belief + config.features
        self.filtering = TwoLayers(belief, sizes, config.hidden)  # p_B
        state_and_jump = config.latent + config.jump
        self.transition = TwoLayers(state_and_jump, sizes, config.hidden)  # p_T
        self.smoothing = TwoLayers(2 * belief + state_and_jump, sizes, config.hidden)  # q_S
        self.decoder = make_decoder(*network, config.latent, config.neck)  # p_D
        self.likelihood = make_likelihood(config.likelihood, config.sigma)

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"\mathbb{E}\Big[-\log p_D(x_{t_2}|z_{t_2}) + \log\frac{p_B(z_{t_2}|b_{t_2})}{p_T(z_{t_2}|z_{t_1})} + "
            r"\mathrm{KL}\big(q_S(z_{t_1}|z_{t_2}, b_{t_1}, b_{t_2})\,\|\,p_B(z_{t_1}|b_{t_1})\big)\Big]",
            "The model learns to reconstruct a later frame from its state, and to predict that state by a jump of up to "
            f"{config.jump} frames from an earlier one. The loss is a bound on −log p of the later frame given the "
            "earlier ones.",
            {
                "reconstruction": "−log p of the later frame given its state",
                "prediction": "log-density of the later state given its belief, minus that given the jump",
                "smoothing": "divergence of the earlier state given the later one from that given its own belief",
            },
        )

    @property
    def top_size(self) -> int:
        """Dimensions of the top layer, which are the first of a state."""
        return self.filtering.sizes[0]

    def belief(self, frames: Tensor) -> Tensor:
        """Computes the belief states of sequences.

        Arguments:
            frames: (B, T, C, H, W) in [0, 1].

        Returns:
            (B, T, belief + features), the output of the LSTM and the features of the last frame; the belief at t
            depends on the frames up to t.

        Raises:
            ValueError: If `frames` are not sequences of images with the shape of the model.
        """
        if frames.ndim != 5 or frames.shape[2:] != self.image_shape:
            shape = ", ".join(map(str, self.image_shape))
            raise ValueError(
                f"`frames` must be sequences (B, T, {shape}). Got {tuple(frames.shape)}. "
                "One image is a sequence of one frame: `image[:, None]`."
            )
        features = self.normalised(self.encoder(frames.flatten(0, 1)).float()).view(*frames.shape[:2], -1)
        return torch.cat([self.recurrence(features)[0], features], dim=2)

    def filter(
        self, belief: Tensor, generator: torch.Generator | None = None, *, means: bool = False
    ) -> tuple[Tensor, Gaussian]:
        """Draws the current state given a belief, z ~ p_B(z|b).

        Arguments:
            belief: One belief state per row, e.g. `belief(frames)[:, t]`.
            generator: Source of the noise; torch's default generator if None.
            means: Take the mean of each layer instead of a draw.

        Returns:
            A state (B, D), and the Gaussians of its dimensions, each given the layers above.
        """
        return self.filtering(belief, generator, means=means)

    def jump(
        self,
        z: Tensor,
        length: int | Tensor,
        generator: torch.Generator | None = None,
        *,
        means: bool = False,
    ) -> tuple[Tensor, Gaussian]:
        """Draws the state after a jump, z_t2 ~ p_T(z_t2|z_t1).

        Arguments:
            z: States (B, D).
            length: Frames to jump, 1 to `jump` of the configuration; one number for all, or int64 (B,).
            generator: Source of the noise; torch's default generator if None.
            means: Take the mean of each layer instead of a draw.

        Returns:
            Later states (B, D), and the Gaussians of their dimensions, each given the layers above.

        Raises:
            ValueError: If a length is not in that range.
        """
        return self.transition(
            torch.cat([z, self.one_hot(length, len(z), z)], dim=1), generator, origin=z, means=means
        )

    def one_hot(self, length: int | Tensor, count: int, like: Tensor) -> Tensor:
        """Encodes lengths of jumps as one-hot vectors, (count, jump)."""
        most = self.config.jump
        lengths = torch.as_tensor(length, device=like.device)
        if lengths.min() < 1 or lengths.max() > most:
            raise ValueError(
                f"`length` must lie in [1, {most}], the jumps that the model was trained on. "
                f"Got {lengths.min().item()} to {lengths.max().item()}. For more frames, jump several times (`rollout`)."
            )
        return F.one_hot(lengths - 1, most).to(like.dtype).expand(count, most)

    def rollout(
        self,
        frames: Tensor,
        steps: int,
        samples: int = 1,
        generator: torch.Generator | None = None,
        *,
        length: int = 1,
    ) -> Tensor:
        """Samples continuations of sequences: draws the state of the last frame, then jumps repeatedly.

        Arguments:
            frames: The frames so far, (B, T, C, H, W) in [0, 1].
            steps: Number of jumps.
            samples: Continuations per sequence, each from another draw of the state.
            generator: Source of the noise; torch's default generator if None.
            length: Frames of each jump.

        Returns:
            Pictures (B, samples, steps, C, H, W) in [0, 1]; step i is frame T + (i + 1) * length - 1.

        Raises:
            ValueError: If `steps` or `samples` is below 1, or `frames` or `length` is invalid.
        """
        for name, value in (("steps", steps), ("samples", samples)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Got {value}.")
        last = self.belief(frames)[:, -1]
        z, _ = self.filter(last.repeat_interleave(samples, 0), generator)
        states = []
        for _ in range(steps):
            z, _ = self.jump(z, length, generator)
            states.append(z)
        pictures = self.decode(torch.stack(states, dim=1).flatten(0, 1))
        return pictures.view(len(frames), samples, steps, *self.image_shape)

    def encode(self, x: Tensor) -> Posterior:
        """Returns the expected state after the last frame of sequences (B, T, C, H, W) in [0, 1].

        It consists of the mean of the top layer, and the mean of the bottom layer given that. The standard deviation is
        None, since there is no prior N(0, I) to compare it with; `filter` returns the distribution.
        """
        return Posterior(self.filter(self.belief(x)[:, -1], means=True)[0])

    def decode(self, z: Tensor) -> Tensor:
        """Decodes states (B, D) to pictures E[x|z], (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self.decoder(z).float())

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """Computes -log p_D(x|z) of frames (B, C, H, W), in nats per frame, shape (B,)."""
        return self.likelihood.nll(self.decoder(z).float(), x)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes the negative bound on log p(x_t2 | x_1 ... x_t1) of sequences (B, T, C, H, W), in nats per x_t2.

        z_t2 and z_t1 are drawn once for each of `pairs` draws of the times. `warmup` scales prediction and smoothing.

        Raises:
            ValueError: If `x` are not sequences of at least two frames.
        """
        frames = self.likelihood.prepare(x, generator)
        beliefs = self.belief(frames)
        t1, t2 = self.times(frames.shape[0], frames.shape[1], generator, frames.device)
        rows = torch.arange(len(frames), device=frames.device).repeat(self.config.pairs)
        b1, b2 = beliefs[rows, t1], beliefs[rows, t2]
        jump = self.one_hot(t2 - t1, len(rows), b1)
        z2, now = self.filter(b2, generator)
        expected, _ = self.filter(b1, means=True)
        z1, smoothed = self.smoothing(torch.cat([b1, b2, z2, jump], dim=1), generator, origin=expected)
        _, before = self.filtering(b1, at=z1)
        _, predicted = self.transition(torch.cat([z1, jump], dim=1), origin=z1, at=z2)
        reconstruction = self.nll(z2, frames[rows, t2]).mean()
        prediction = (now.log_prob(z2) - predicted.log_prob(z2)).mean()
        smoothing = smoothed.kl(before).mean()
        return Loss(
            total=reconstruction + warmup * (prediction + smoothing),
            terms={"reconstruction": reconstruction, "prediction": prediction, "smoothing": smoothing},
        )

    def times(
        self, count: int, length: int, generator: torch.Generator | None, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Draws t1 < t2 for `pairs` times `count` sequences of `length` frames, int64 (pairs * count,) each.

        The jump is uniform over 1 to `jump` or to the end of the sequence; t1 is uniform over the remaining times.

        Raises:
            ValueError: If a sequence has fewer than two frames.
        """
        if length < 2:
            raise ValueError(f"`x` must be sequences of at least 2 frames. Got {length}.")
        pairs = self.config.pairs * count
        u_jump, u_start = draw(torch.rand, (pairs, 2), generator, device=device).unbind(1)
        jump = 1 + to_integers(u_jump, min(self.config.jump, length - 1))
        t1 = to_integers(u_start, length - jump)
        return t1, t1 + jump


def to_integers(uniform: Tensor, end: int | Tensor) -> Tensor:
    """Maps uniform numbers in [0, 1) to integers from 0 to `end` - 1, int64."""
    return (uniform * end).long().minimum(torch.as_tensor(end, device=uniform.device) - 1)
