"""`python -m pipeline` is `kentongan`."""

from pipeline.cli import main

main()
