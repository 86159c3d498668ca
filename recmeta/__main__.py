"""``python -m recmeta``: the command line."""

from recmeta.cli import main

if __name__ == "__main__":
    main()
