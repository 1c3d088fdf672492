"""A loaded checkpoint and what is shown of it: views, handles, trajectories, comparisons."""
