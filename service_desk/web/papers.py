"""What pages that print share: the address behind a printed code."""

from flask import current_app, url_for


def address_of(endpoint: str, number: str) -> str:
    """The address of a page for a printed code."""
    return f"{current_app.extensions['desk_config'].public_url}{url_for(endpoint, number=number)}"
