"""``python -m tidewheel``: the command line."""

from tidewheel.cli.main import main

if __name__ == "__main__":
    main()
