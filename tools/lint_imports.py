"""Check the import contracts of pyproject.toml: `python tools/lint_imports.py`."""

import sys

from importlinter.cli import lint_imports

if __name__ == "__main__":
    sys.exit(lint_imports())
