"""`python -m sipflow`."""

from sipflow.cli.main import main

main()
