"""`python -m lading`: the command line."""

import sys

from .api.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
