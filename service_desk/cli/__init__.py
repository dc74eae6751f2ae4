"""Commands: `flask <group> <command>`. One module a word, each with its click group or command `cli`."""

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask


def register(app: Flask) -> None:
    """Add every command module's `cli` to the app."""
    for module in iter_modules(__path__):
        app.cli.add_command(import_module(f"{__name__}.{module.name}").cli)
