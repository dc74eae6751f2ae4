"""`GET /healthz`: is the database there, is a scheduler alive."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service_desk.models.db import db
from service_desk.services import leases

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 with the state of database and scheduler; 503 with the reason when the desk cannot do its work."""
    try:
        db.session.execute(text("SELECT 1"))
        scheduler = leases.state(g.now)
    except SQLAlchemyError as error:
        return {"status": "down", "reason": f"database: {type(error).__name__}", "database": "down"}, 503
    if not scheduler.is_alive:
        reason = "scheduler: no process holds the lease"
        return {"status": "down", "reason": reason, "database": "up", "scheduler": "down"}, 503
    return {"status": "up", "database": "up", "scheduler": "up", "scheduler_until": scheduler.until_iso}, 200
