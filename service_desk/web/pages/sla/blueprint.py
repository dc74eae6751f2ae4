"""The blueprint the pages of this folder share."""

from flask import Blueprint

bp = Blueprint("sla", __name__)
