"""Tables. One module per word; a table module imports only `db` and enums from rules."""
