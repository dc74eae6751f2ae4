"""What the tests of the clock's pages share: a clock to look at, times and papers as a browser sends them."""

import re
from datetime import datetime
from io import BytesIO

from PIL import Image

from service_desk.base.clock import CHINA
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.world import World


def local(at: datetime, pattern: str = "%Y-%m-%dT%H:%M") -> str:
    """As a form's field sends it."""
    return f"{at.astimezone(CHINA):{pattern}}"


def photo() -> tuple[BytesIO, str]:
    picture = BytesIO()
    Image.new("RGB", (40, 30), "white").save(picture, "JPEG")
    picture.seek(0)
    return picture, "照片.jpg"


def kept_token(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def start(world: World, at, *, account=None, branch=None, number: int = 1) -> Timer:
    account = account or world.account
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account.id, (branch or world.gongyi).id)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
    )
    assert timer is not None
    db.session.commit()
    return timer
