"""Claims, split by use case; `common` holds what every step of a claim goes through."""
