"""The demo's quote sheets: one whose prices hold, with floats and taxes, and one that expired."""

from datetime import datetime, timedelta

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.rules import sample_rates
from service_desk.rules.ctpl_tariff import COVER_SET
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import LineChoice, VehicleTerms, quote_queries, quote_sheets
from service_desk.services.policies.quote_queries import FleetPart
from service_desk.services.policies.quote_sheets import QuoteRequest

_TAX_FEN = 480_00


def build_quotes(group: Group, now: datetime) -> None:
    """Quote two branches: one a month ago, whose prices hold no more, and one the day before yesterday."""
    for branch, made_at in zip(
        group.branches, (now - timedelta(days=31), now - timedelta(days=2)), strict=False
    ):
        clerk = group.users["underwriter"]
        part = FleetPart(group.account.id, branch_id=branch.id)
        vehicle_ids = quote_queries.vehicle_ids_of(part, actor=clerk)
        request = QuoteRequest(
            account_id=group.account.id,
            vehicle_ids=tuple(vehicle_ids),
            lines=(
                LineChoice(PolicyLine.CTPL, COVER_SET),
                LineChoice(PolicyLine.COMMERCIAL, sample_rates.TPL_1M_OWN_DAMAGE),
                LineChoice(PolicyLine.CARRIER_LIABILITY, sample_rates.SEAT_400K),
            ),
            title=f"{local_date(made_at).year + 1} 年度续保报价",
            terms={id_: VehicleTerms(CtplFloat.A3, _TAX_FEN) for id_ in vehicle_ids[::3]},
        )
        quote_sheets.make(request, actor=clerk, now=made_at)
