"""What every part needs of the machine: settings, files, JSON, optional extras, and no network."""
