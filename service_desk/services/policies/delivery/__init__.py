"""Papers on their way to the branches: what waits, runs that bring it, and what became of it."""
