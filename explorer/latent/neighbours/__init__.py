"""Nearest neighbours in latent space, and how well a map preserves them."""
