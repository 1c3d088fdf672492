"""Long computations in child processes: the runner, and one file per job."""
