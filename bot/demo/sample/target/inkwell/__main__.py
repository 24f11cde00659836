"""Lets `python3 -m inkwell` work."""

import sys

from inkwell.cli import main

sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout))
