"""Long work in a process of its own: the runner, and one file a job."""
