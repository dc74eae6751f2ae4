"""Small settings kept in the database."""

from typing import Any

from service_desk.models.db import db
from service_desk.models.settings import Setting

HOLDS_DEMO_DATA = "holds_demo_data"
DEMO_SIGN_INS = "demo_sign_ins"
INSURER_NAME = "insurer_name"  # as printed: {"zh": …, "en": …}

INSURER_PHONE = "insurer_phone"  # as printed on cards
SUPERVISION_PHONE = "supervision_phone"  # as printed on refusals


def read(key: str, default: Any = None) -> Any:
    """A setting's value, or the default."""
    row = db.session.get(Setting, key)
    return default if row is None else row.value


def write(key: str, value: Any) -> None:
    """Set a setting."""
    db.session.merge(Setting(key=key, value=value))
