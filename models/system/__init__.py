"""Access to the machine: settings, files, JSON, progress, optional extras, and no telemetry."""
