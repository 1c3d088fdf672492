"""Maths on arrays: projections and their inverses, paths, directions, neighbours, statistics."""
