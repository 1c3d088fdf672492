"""Pure maths on arrays: projections and their inverses, paths, directions, neighbours."""
