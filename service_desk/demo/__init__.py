"""The demo account: a transport group of Zhengzhou with eighteen months of history, the same for the same day.

All of it is written by the services that the pages call, told instants of the past, so that every list, clock and
report of the demo comes from the same rules as real work.
"""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import structlog

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import DomainError
from service_desk.demo import cast
from service_desk.demo.aftermath import (
    build_reports,
    build_reviews,
    send_morning_notices,
    settle_outbox,
    sweep_clocks,
)
from service_desk.demo.arrivals import build_arrivals
from service_desk.demo.claim_money import build_claim_money
from service_desk.demo.claims import build_claims
from service_desk.demo.contacts import build_contacts
from service_desk.demo.cover import build_cover, build_receipts
from service_desk.demo.deliveries import build_deliveries
from service_desk.demo.disputes import build_disputes
from service_desk.demo.duty import build_duty
from service_desk.demo.endorsements import build_endorsements
from service_desk.demo.group import PASSWORD, build_fleet, build_group
from service_desk.demo.injuries import build_injuries
from service_desk.demo.knowledge import build_knowledge
from service_desk.demo.messages import build_messages
from service_desk.demo.missed_cover import build_missed_cover
from service_desk.demo.onboarding import build_new_vehicles
from service_desk.demo.opinions import build_opinions
from service_desk.demo.outstanding import build_outstanding
from service_desk.demo.premiums import build_premiums
from service_desk.demo.promises import build_promises
from service_desk.demo.quotes import build_quotes
from service_desk.demo.relations import build_relations
from service_desk.demo.renewals import build_outcomes
from service_desk.demo.scorecards import build_scorecards
from service_desk.models.db import db
from service_desk.services import settings
from service_desk.services.claims import authority
from service_desk.services.policies import rates

log = structlog.get_logger()

# The same people and accidents whatever the day, only seen from it: a demo of its own for each day would be one that
# nobody has tried.
_SEED = 739_943


def load_demo(files: FileStore, now: datetime) -> None:
    """Write the demo account into an empty desk whose calendars and levels are there. Does not commit."""
    random = Random(_SEED)  # noqa: S311 - invented people, not keys
    # Before anything is written: letters are kept as they were printed, with the name of who sends them.
    settings.write(settings.INSURER_NAME, {"zh": cast.INSURER_NAME, "en": cast.INSURER_NAME_EN})
    settings.write(settings.INSURER_PHONE, cast.INSURER_PHONE)
    rates.install_sample_rates(now=now)
    authority.install_defaults()
    group = build_group(random, now)
    vehicles = build_fleet(group, random, now)
    build_cover(group, vehicles, random, now)
    build_quotes(group, now)
    build_claims(group, vehicles, files, random, now)
    _tell(build_claim_money, group, now)
    _tell(build_injuries, group, Random(7), now)  # noqa: S311 - invented people, not keys
    _tell(build_contacts, group, random, now)
    _tell(build_messages, group, files, now)
    _tell(build_arrivals, group, files, now)
    _tell(build_disputes, group, files, now)
    _tell(build_outstanding, group, files, now)
    _tell(build_new_vehicles, group, files, now)
    _tell(build_receipts, group, random, now)
    _tell(build_outcomes, group, now)
    _tell(build_endorsements, group, now)
    _tell(build_premiums, group, now)
    _tell(build_deliveries, group, now)
    _tell(build_reviews, group, random, now)
    _tell(build_missed_cover, group, now)
    _tell(build_duty, group, now)
    _tell(build_relations, group, files, Random(11), now)  # noqa: S311 - invented people, not keys
    _tell(build_opinions, group, files, Random(13), now)  # noqa: S311 - invented people, not keys
    _tell(build_knowledge, group, now)
    _tell(sweep_clocks, now)
    _tell(build_promises, group, now)
    _tell(build_scorecards, group, now)
    _tell(build_reports, group, now)
    _tell(send_morning_notices, group, now)
    _tell(settle_outbox, now)
    settings.write(settings.HOLDS_DEMO_DATA, True)
    settings.write(
        settings.DEMO_SIGN_INS,
        {
            "password": PASSWORD,
            "users": [{"username": p.username, "role": p.role.value} for p in cast.PEOPLE if p.is_shown],
        },
    )
    db.session.flush()


def _tell(part: Callable[..., None], *told: Any) -> None:
    """Write one part of the history. What the rules refuse on some day is left out, and the desk comes up all the same."""
    try:
        with db.session.begin_nested():
            part(*told)
    except DomainError as refusal:
        log.warning("demo_part_left_out", part=part.__name__, refusal=str(refusal))
