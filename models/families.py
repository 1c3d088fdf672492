"""The model families by their keys, which cards and the command line use: those trained here, and imported ones."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from models.ae import AE
from models.base import Autoencoder
from models.beta_vae import BetaVAE
from models.capacity_vae import CapacityVAE
from models.contractive_ae import ContractiveAE
from models.dae import DAE
from models.embeddings.decoder import EmbeddingDecoder
from models.embeddings.model import EmbeddingModel
from models.foreign.model import ForeignModel
from models.glow import Glow
from models.iwae import IWAE
from models.k_sparse_ae import KSparseAE
from models.linear_ae import LinearAE
from models.pca import PCA
from models.pixel_snail import PixelSNAIL
from models.protocols import (
    ClosedForm,
    DiscreteLatent,
    HasFiles,
    HasLikelihood,
    SequenceModel,
    TrainablePrior,
)
from models.real_nvp import RealNVP
from models.sparse_ae import SparseAE
from models.td_vae import TDVAE
from models.vae import VAE
from models.vq_vae import VQVAE
from models.vq_vae_2 import VQVAE2

__all__ = ["FAMILIES", "IMPORTED", "MODELS"]

MODELS: dict[str, type[Autoencoder]] = {
    "pca": PCA,
    "linear-ae": LinearAE,
    "ae": AE,
    "dae": DAE,
    "sparse-ae": SparseAE,
    "k-sparse-ae": KSparseAE,
    "contractive-ae": ContractiveAE,
    "vae": VAE,
    "iwae": IWAE,
    "beta-vae": BetaVAE,
    "capacity-vae": CapacityVAE,
    "vq-vae": VQVAE,
    "vq-vae-2": VQVAE2,
    "pixel-snail": PixelSNAIL,
    "real-nvp": RealNVP,
    "glow": Glow,
    "td-vae": TDVAE,
}  # can be trained here
IMPORTED: dict[str, type[Autoencoder]] = {
    "foreign": ForeignModel,
    "embedding": EmbeddingModel,
    "decoder": EmbeddingDecoder,
}  # of models or embeddings from elsewhere
FAMILIES = ChainMap(IMPORTED, MODELS)  # every model that a card may name; those trained here first

if TYPE_CHECKING:  # mypy checks here that the families implement their protocols
    _likelihood: tuple[type[HasLikelihood], ...] = (AE, VAE, VQVAE, TDVAE, EmbeddingDecoder)
    _discrete: tuple[type[DiscreteLatent], ...] = (VQVAE, PixelSNAIL)
    _sequence: type[SequenceModel] = TDVAE
    _trainable_prior: type[TrainablePrior] = VQVAE
    _closed_form: type[ClosedForm] = PCA
    _files: tuple[type[HasFiles], ...] = (ForeignModel, EmbeddingModel)
