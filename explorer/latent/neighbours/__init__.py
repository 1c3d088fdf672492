"""Nearest neighbours in latent space, and how far a map keeps them."""
