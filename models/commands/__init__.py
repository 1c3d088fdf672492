"""The subcommands of `python -m models`, one file each: `add(commands)` declares it, `run(options)` runs it."""
