"""Densities, draws, mixtures, outliers and similarity of latents."""
