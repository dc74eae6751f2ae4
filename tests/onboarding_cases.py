"""Requests for new vehicles for tests: sent, approved and insured by the services themselves."""

from datetime import datetime
from typing import Any

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.fleet import VehicleRequest
from service_desk.models.users import User
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies, sla
from service_desk.services.fleet.vehicles import VehicleDetails
from service_desk.services.policies import IssueRequest, LineChoice, rates
from service_desk.services.policies.onboarding import deciding, requesting
from service_desk.services.policies.onboarding.common import get_request
from service_desk.services.policies.onboarding.requesting import RequestCommand
from tests.claim_cases import file_store, picture
from tests.factories import make_vin
from tests.standing import early
from tests.world import World

PLATE, VIN = "豫A90001", make_vin(900_100)
CTPL = LineChoice(PolicyLine.CTPL, "basic")
COMMERCIAL = LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od")
CARRIER = LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k")
ALL_LINES = (CTPL, COMMERCIAL, CARRIER)


def ready(now: datetime) -> None:
    """Promises and prices."""
    sla.install_defaults(early(now))
    rates.install_sample_rates(now=early(now))
    db.session.commit()


def command(world: World, now: datetime, **changes: Any) -> RequestCommand:
    """A coach of the Gongyi branch, as its safety officer types it."""
    start, note = changes.pop("wanted_start_on", local_date(now)), changes.pop("note", "明日上线")
    usual: dict[str, Any] = {
        "plate": PLATE,
        "vin": VIN,
        "engine_no": "YC6J9001",
        "model": "宇通 ZK6119H",
        "use_class": UseClass.COACH,
        "seats": 45,
        "load_kg": None,
        "registered_on": None,
        "branch_id": world.gongyi.id,
    }
    return RequestCommand(VehicleDetails(**{**usual, **changes}), start, note)


def ask(
    world: World, now: datetime, *, by: User | None = None, key: str = "", photos: int = 1, **changes: Any
) -> VehicleRequest:
    """A request that was sent, by the branch's officer unless said."""
    actor = by or world.safety_gongyi
    number = requesting.request_vehicle(
        world.account.id,
        command(world, now, **changes),
        photos=[picture() for _ in range(photos)],
        key=key,
        actor=actor,
        now=now,
        files=file_store(),
    )
    return get_request(number, actor=actor)


def approved(world: World, now: datetime, **changes: Any) -> VehicleRequest:
    """A request the group has approved: its vehicle waits for cover."""
    request = ask(world, now, **changes)
    deciding.approve(request.number, request.version, actor=world.hq, now=now)
    db.session.flush()
    return request


def order(world: World, request: VehicleRequest, *lines: LineChoice, **values: Any) -> IssueRequest:
    """The order for a request's vehicle; all lines of a coach unless said."""
    assert request.vehicle_id is not None
    return IssueRequest(world.account.id, (request.vehicle_id,), lines or ALL_LINES, **values)


def insured(world: World, request: VehicleRequest, *lines: LineChoice, now: datetime) -> None:
    """Issue for a request's vehicle."""
    policies.issue_many(order(world, request, *lines), actor=world.underwriter, now=now)
    db.session.flush()
