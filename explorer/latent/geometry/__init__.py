"""Paths, projections and their inverses, grids: where latents lie and how to move between them."""
