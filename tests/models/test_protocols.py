"""Tests of the protocols of optional abilities: a family offers all methods of its abilities, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from models import MODELS, Autoencoder
from models import protocols as p

ABILITIES: list[tuple[Callable[[Any], Any], type, set[str]]] = [
    (p.as_discrete, p.DiscreteLatent, {"vq-vae", "vq-vae-2", "pixel-snail"}),
    (p.as_likelihood_model, p.HasLikelihood, set(MODELS) - {"real-nvp", "glow", "pixel-snail"}),
    (p.as_sequence_model, p.SequenceModel, {"td-vae"}),
    (p.as_trainable_prior, p.TrainablePrior, {"vq-vae", "vq-vae-2"}),
    (p.as_closed_form, p.ClosedForm, {"pca"}),
]


def members(protocol: type) -> set[str]:
    """The public methods and attributes of a protocol and those that it extends."""
    own = {name for cls in protocol.__mro__ for name in vars(cls) if not name.startswith("_")}
    return own | set(get_type_hints(p.Model)) if p.Model in protocol.__mro__ else own


@pytest.mark.parametrize(("narrow", "protocol", "keys"), ABILITIES)
@pytest.mark.parametrize("key", MODELS)
def test_a_model_has_an_ability_or_is_refused(
    narrow: Callable[[Any], Any], protocol: type, keys: set[str], key: str
) -> None:
    model = MODELS[key](MODELS[key].Config(image_shape=(1, 8, 8)))
    if key not in keys:
        with pytest.raises(ValueError, match=type(model).__name__):
            narrow(model)
        return
    assert narrow(model) is model
    assert not [name for name in members(protocol) if not hasattr(model, name)]


def test_no_method_of_the_base_only_raises() -> None:
    optional = {"codes", "embed", "nearest", "codebooks", "sample_codes", "fit", "set_trainable", "belief"}
    assert not optional & set(dir(Autoencoder))
    assert "criterion" in Autoencoder.__abstractmethods__
