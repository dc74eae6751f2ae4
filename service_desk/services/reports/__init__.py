"""Reports: computed from the database, kept for ever, sent through the outbox."""
