"""The measures for programs: what services.measures says, to who may read reports, of their own account."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from service_desk.rules.metrics import MeasureCode, Ratio
from service_desk.rules.periods import Period
from service_desk.services import measures
from service_desk.services.measures import By, Span
from tests.claim_cases import reported_claim
from tests.world import World

SignIn = Callable[[str], FlaskClient]


def test_a_program_reads_what_the_pages_show(world: World, now: datetime, sign_in: SignIn) -> None:
    claim = reported_claim(world, now)
    day = claim.reported_at.date()
    asked = f"/api/measures?from={day}&to={day}&by=branch"

    answer = sign_in("hq").get(asked)

    said = answer.get_json()
    zone = ZoneInfo(world.account.zone)
    span = Span(world.account.id, Period(day, day), zone, datetime.now(UTC))
    found = measures.read(span, tuple(MeasureCode), By.BRANCH)
    assert answer.status_code == 200
    assert (said["account"], said["from"], said["to"], said["by"]) == ("ZZLY", str(day), str(day), "branch")
    assert set(said["total"]) == set(said["units"]) == {code.value for code in MeasureCode}
    assert said["total"]["claims_reported"] == found.total[MeasureCode.CLAIMS_REPORTED] == 1
    ratio = next(code for code, value in found.total.items() if isinstance(value, Ratio))
    whole = found.total[ratio]
    assert isinstance(whole, Ratio)
    assert said["total"][ratio.value]["whole"] == whole.whole
    of_branch = {one["name"]: one["measures"] for one in said["groups"]}
    assert of_branch["巩义客运分公司"]["claims_reported"] == 1
    # Without a period: this month so far.
    assert sign_in("manager").get("/api/measures").status_code == 200


def test_others_and_nonsense_are_refused(
    world: World, now: datetime, sign_in: SignIn, client: FlaskClient
) -> None:
    claim = reported_claim(world, now)
    day = claim.reported_at.date()
    assert client.get("/api/measures").status_code == 401
    branch = sign_in("safety-gongyi").get("/api/measures")
    assert (branch.status_code, branch.is_json) == (403, True)
    stranger = sign_in(world.foreign_hq.username).get(f"/api/measures?from={day}&to={day}").get_json()
    assert (stranger["account"], stranger["total"]["claims_reported"]) == ("LYYS", 0)
    reader = sign_in("hq")
    for wrong in (
        "from=x",
        "from=2026-02-02&to=2026-02-01",
        "from=2000-01-01&to=2026-01-01",
        "by=plate",
        "to=9999-12-31",
    ):
        refused = reader.get(f"/api/measures?{wrong}")
        assert (refused.status_code, refused.is_json) == (422, True), wrong
