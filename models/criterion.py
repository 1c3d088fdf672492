"""What the training of a model minimises, for people: a formula, one or two sentences, and the meaning of each term."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ELBO", "ELBO_FORMULA", "Criterion"]

ELBO = "−ELBO"  # the name of a loss that is the negative ELBO and nothing else
ELBO_FORMULA = r"\mathbb{E}_{q(z|x)}[-\log p(x|z)] + \mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)"


@dataclass(frozen=True)
class Criterion:
    """What training minimises, for an image x."""

    formula: str  # LaTeX, the loss alone
    asks: str  # what it asks of the model, in whole sentences
    terms: dict[str, str]  # what each of `Loss.terms` is
    name: str = "Loss"  # of the loss; that of a bound only where the loss is this bound and nothing else
    where: str = ""  # LaTeX, what symbols of the formula are

    @property
    def whole(self) -> str:
        """The formula with what its symbols are, LaTeX."""
        return rf"{self.formula}, \quad {self.where}" if self.where else self.formula
