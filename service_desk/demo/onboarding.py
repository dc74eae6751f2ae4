"""The demo's new vehicles: two on the road, one at each side of the joint approval, one sent back."""

import io
from dataclasses import dataclass
from datetime import datetime, timedelta

from PIL import Image, ImageDraw

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.fleet import VehicleRequest
from service_desk.models.users import User
from service_desk.rules import sample_rates
from service_desk.rules.ctpl_tariff import COVER_SET
from service_desk.rules.identifiers import vin_check_digit
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies
from service_desk.services.documents import Upload
from service_desk.services.fleet.vehicles import VehicleDetails
from service_desk.services.policies import IssueRequest, LineChoice
from service_desk.services.policies.onboarding import deciding, requesting
from service_desk.services.policies.onboarding.common import get_request
from service_desk.services.policies.onboarding.requesting import RequestCommand

_HOUR = timedelta(hours=1)
_LINES = (
    LineChoice(PolicyLine.CTPL, COVER_SET),
    LineChoice(PolicyLine.COMMERCIAL, sample_rates.TPL_1M_OWN_DAMAGE),
    LineChoice(PolicyLine.CARRIER_LIABILITY, sample_rates.SEAT_400K),
)


@dataclass(frozen=True)
class _Wanted:
    """A new vehicle of a safety officer's branch."""

    officer: str
    plate: str
    serial: int
    use_class: UseClass
    model: str
    seats: int | None = None
    load_kg: int | None = None
    note: str = ""


_COACH = _Wanted(
    "safety-gongyi", "豫A98K01", 910_001, UseClass.COACH, "宇通 ZK6119H", 49, note="巩义至郑州班线新增"
)
_BUS = _Wanted("safety-zhongmu", "豫A98201D", 910_002, UseClass.CITY_BUS, "宇通 ZK6850BEVG", 28)
_LORRY = _Wanted("safety-xinzheng", "豫A98K03", 910_003, UseClass.GOODS, "解放 J6P", load_kg=18_000)
_NO_PLATE = _Wanted(
    "safety-gongyi", "", 910_004, UseClass.COACH, "宇通 ZK6907H", 39, note="号牌本周内办妥，先投保"
)
_SECOND_TRY = _Wanted("safety-zhongmu", "豫A98205D", 910_005, UseClass.CITY_BUS, "比亚迪 BYD6100", 31)


def build_new_vehicles(group: Group, files: FileStore, now: datetime) -> None:
    """Take five requests to where each stands today, by the services that the pages call."""
    long_ago, last_week = now - timedelta(days=55), now - timedelta(days=6)
    group_person, clerk = group.users["hq"], group.users["underwriter"]

    again = _ask(group, _SECOND_TRY, files, long_ago)
    deciding.approve(again.number, again.version, actor=group_person, now=long_ago + 2 * _HOUR)
    db.session.flush()
    deciding.decline(
        again.number, "核定载客人数与行驶证不一致", again.version, actor=clerk, now=long_ago + 4 * _HOUR
    )
    db.session.flush()
    _send_again(group, again, files, long_ago + 5 * _HOUR)
    _approve_and_insure(group, again, clerk, long_ago + 7 * _HOUR)

    _approve_and_insure(group, _ask(group, _COACH, files, last_week), clerk, last_week + 2 * _HOUR)

    refused = _ask(group, _LORRY, files, now - 27 * _HOUR)
    deciding.refuse(
        refused.number,
        "照片看不清核定载质量，请重新拍摄",
        refused.version,
        actor=group_person,
        now=now - 25 * _HOUR,
    )
    waiting = _ask(group, _NO_PLATE, files, now - 22 * _HOUR)
    deciding.approve(waiting.number, waiting.version, actor=group_person, now=now - 3 * _HOUR)
    _ask(group, _BUS, files, now - 2 * _HOUR)
    db.session.flush()


def _ask(group: Group, wanted: _Wanted, files: FileStore, at: datetime) -> VehicleRequest:
    officer = group.users[wanted.officer]
    number = requesting.request_vehicle(
        group.account.id,
        RequestCommand(_details(wanted, officer), local_date(at), wanted.note),
        photos=[_licence()],
        key="",
        actor=officer,
        now=at,
        files=files,
    )
    return get_request(number, actor=officer)


def _send_again(group: Group, request: VehicleRequest, files: FileStore, at: datetime) -> None:
    officer = group.users[_SECOND_TRY.officer]
    requesting.correct(
        request.number,
        RequestCommand(_details(_SECOND_TRY, officer), local_date(at), "已重新拍摄行驶证副页"),
        request.version,
        photos=[_licence()],
        key="",
        actor=officer,
        now=at,
        files=files,
    )
    db.session.flush()


def _approve_and_insure(group: Group, request: VehicleRequest, clerk: User, at: datetime) -> None:
    deciding.approve(request.number, request.version, actor=group.users["hq"], now=at)
    db.session.flush()
    order = IssueRequest(group.account.id, (request.vehicle_id or 0,), _LINES)
    policies.issue_many(order, actor=clerk, now=at + 2 * _HOUR)


def _details(wanted: _Wanted, officer: User) -> VehicleDetails:
    blank = f"LZYTBGBW0R1{wanted.serial}"
    return VehicleDetails(
        plate=wanted.plate,
        vin=f"{blank[:8]}{vin_check_digit(blank)}{blank[9:]}",
        engine_no=f"YC{wanted.serial}",
        model=wanted.model,
        use_class=wanted.use_class,
        seats=wanted.seats,
        load_kg=wanted.load_kg,
        registered_on=None,
        branch_id=officer.branch_id or 0,
    )


def _licence() -> Upload:
    """A card with lines on it: no licence of anybody."""
    picture = Image.new("RGB", (880, 600), (226, 233, 240))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, 859, 579), outline=(40, 84, 130), width=4)
    for row in range(6):
        draw.line((60, 120 + row * 75, 820 - row % 3 * 140, 120 + row * 75), fill=(96, 112, 128), width=10)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=70)
    return Upload("行驶证.jpg", content.getvalue())
