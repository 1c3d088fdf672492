"""Builds the atlas of a checkpoint: `python -m explorer.atlas MODEL`."""

import sys

from explorer.atlas.build import main

if __name__ == "__main__":
    sys.exit(main())
