"""What pages that print share: the address behind a printed code, and the file."""

from io import BytesIO

from flask import current_app, send_file, url_for
from flask.typing import ResponseReturnValue


def address_of(endpoint: str, number: str) -> str:
    """The address of a page for a printed code."""
    return f"{current_app.extensions['desk_config'].public_url}{url_for(endpoint, number=number)}"


def pdf_file(content: bytes, name: str) -> ResponseReturnValue:
    """A paper to be shown, or saved under a name."""
    return send_file(BytesIO(content), mimetype="application/pdf", download_name=f"{name}.pdf")
