"""`python -m veristack_lab` is the same as `veristack`."""

from veristack_lab.cli import main

main()
