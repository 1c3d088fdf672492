"""Tests of the disentanglement scores."""
