"""Opinions: forms sent out and answered, what was said on other occasions, and what became of each."""
