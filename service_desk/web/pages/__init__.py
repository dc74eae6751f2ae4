"""Pages: one module a word, each with its blueprint `bp`."""
