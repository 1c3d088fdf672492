"""The checkpoints and families: abilities, metrics, curves, training time."""
