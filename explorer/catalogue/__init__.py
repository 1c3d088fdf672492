"""Which checkpoints and families there are, what each can do, its metrics and curves."""
