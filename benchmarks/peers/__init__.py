"""Peers: the same decoder behind another tool's slider, as its user would write it."""
