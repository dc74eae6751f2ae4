"""Doors for people and programs: pages and API."""
