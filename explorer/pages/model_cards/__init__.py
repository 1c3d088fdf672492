"""The Models page: checkpoints and training."""
