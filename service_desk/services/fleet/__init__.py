"""Vehicles, their histories and cover, and the client's lists that bring them in."""
