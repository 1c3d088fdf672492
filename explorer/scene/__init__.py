"""Scenes: a loaded checkpoint with its views, handles, trajectories and comparisons."""
