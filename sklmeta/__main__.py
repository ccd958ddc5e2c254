"""`python -m sklmeta` is the `sklmeta` command."""

import sys

from sklmeta.cli import main

sys.exit(main())
