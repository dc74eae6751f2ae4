"""Policies that exist already, taken over from the client's or the insurer's list."""
