"""Peers: the same decoder behind the slider of another tool, as its user would write it."""
