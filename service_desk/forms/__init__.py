"""Words in -> command: shape is checked here, meaning in the services."""
