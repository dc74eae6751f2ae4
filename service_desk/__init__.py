"""Service Desk: fleet insurance for key accounts, from the fleet list to the settled claim."""

__version__ = "0.1.0"
