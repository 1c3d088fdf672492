"""Layers that model families share: networks, likelihoods, couplings, quantisers, autoregressive priors."""
