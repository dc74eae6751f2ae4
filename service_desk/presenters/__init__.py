"""Rows and refusals into words: one place for both doors, mails and PDFs."""
