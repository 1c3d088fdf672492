"""Training: the loop, its saved state, its log, distributed processes and the moving average of weights."""
