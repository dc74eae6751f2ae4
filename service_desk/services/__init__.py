"""Use cases: each reads, decides, writes. They never commit; the door's unit of work does."""
