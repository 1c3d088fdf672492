"""The description of a training loss that the pages show: formula, one or two sentences, meaning of each term."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ELBO", "ELBO_FORMULA", "Criterion"]

ELBO = "−ELBO"  # name of a loss that is exactly the negative ELBO
ELBO_FORMULA = r"\mathbb{E}_{q(z|x)}[-\log p(x|z)] + \mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)"


@dataclass(frozen=True)
class Criterion:
    """The description of the training loss of an image x."""

    formula: str  # the loss, LaTeX
    objective: str  # what the model learns, in full sentences
    terms: dict[str, str]  # name in `Loss.terms` -> meaning
    name: str = "Loss"  # of the loss; the name of a bound only if the loss is exactly that bound
    where: str = ""  # definitions of symbols of the formula, LaTeX

    @property
    def full_formula(self) -> str:
        """The formula and the definitions of its symbols, LaTeX."""
        return rf"{self.formula}, \quad {self.where}" if self.where else self.formula
