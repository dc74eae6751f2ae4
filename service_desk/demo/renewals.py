"""What became of some of the demo's cover that is not renewed, so that the outcomes have something in them."""

from datetime import datetime, timedelta

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.rules.renewal import Outcome
from service_desk.services.renewals import ExpiryFilter, list_expiries, outcomes
from service_desk.services.renewals.outcomes import OutcomeDetails

_DAYS_AHEAD = 45


def build_outcomes(group: Group, now: datetime) -> None:
    """Record one outcome of each kind for vehicles whose cover ends in some weeks."""
    clerk = group.users["underwriter"]
    told = now - timedelta(hours=5)
    next_year = local_date(now) + timedelta(days=400)
    details = [
        OutcomeDetails(Outcome.SWITCHED, "中原财产保险", next_year, "分公司自行投保"),
        OutcomeDetails(Outcome.SOLD, note="已过户", sets_state=True),
        OutcomeDetails(Outcome.SUSPENDED, note="冬季停运", sets_state=True),
        OutcomeDetails(Outcome.NOT_RENEWING, note="车辆年内更新"),
    ]
    found = list_expiries(ExpiryFilter(group.account.id, _DAYS_AHEAD), actor=clerk, now=told)
    ahead = [one for one in found if one.days_left > 20]
    vehicles = list(dict.fromkeys(one.vehicle_id for one in ahead))
    # From the far end: the most urgent rows stay for the reader to work on.
    for vehicle_id, said in zip(reversed(vehicles), details, strict=False):
        ends = {one.line: one.last_day for one in ahead if one.vehicle_id == vehicle_id}
        outcomes.record(vehicle_id, ends, said, actor=clerk, now=told)
