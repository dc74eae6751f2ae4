"""What a policy costs a year when its covers, its class or its vehicle change: from the price table it was issued by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen
from service_desk.models.policies import EndorsementKind, Policy, RateTable
from service_desk.rules import rating
from service_desk.rules.rating import CoverLimit, CtplFloat, LimitPer, Premium, VehicleFacts
from service_desk.rules.settlement import Source
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.policies import rates
from service_desk.services.policies.coverage import Limit
from service_desk.services.policies.endorsing.commands import AgreedCover, EndorsementCommand
from service_desk.services.policies.endorsing.policy_file import PolicyFile

LINE_COVERS: dict[PolicyLine, tuple[CoverCode, ...]] = {
    PolicyLine.CTPL: (CoverCode.CTPL,),
    PolicyLine.COMMERCIAL: (CoverCode.TPL, CoverCode.OWN_DAMAGE),
    PolicyLine.CARRIER_LIABILITY: (CoverCode.CARRIER_LIABILITY,),
}


@dataclass(frozen=True)
class Rated:
    """A year's premium and what it covers. `premium` and `table` None: agreed, not from a table."""

    annual_fen: int
    limits: tuple[Limit, ...]
    cover_set: str
    rate_line_id: int | None
    premium: Premium | None = None
    table: RateTable | None = None

    @property
    def source(self) -> Source:
        return Source.AGREED_PREMIUM if self.premium is None else Source.PRICE_TABLE


def rate(policy: Policy, facts: VehicleFacts, cover_set: str) -> Rated:
    """Price a cover set by the table the policy was issued by.

    Invalid: `endorsement_needs_premium` (the policy came from no table), and those of `rating.premium_for`.
    """
    if policy.rate_line_id is None:
        raise Invalid("endorsement_needs_premium", field="annual")
    table = rates.table_of_line(policy.rate_line_id)
    return _rated(table, policy, facts, cover_set)


def _rated(table: rates.PriceTable, policy: Policy, facts: VehicleFacts, cover_set: str) -> Rated:
    premium = rating.premium_for(
        table.lines,
        facts,
        line=policy.line,
        cover_set=cover_set,
        ctpl_float=CtplFloat(policy.ctpl_float) if policy.ctpl_float else CtplFloat.A4,
    )
    return Rated(
        premium.total_fen,
        limits_of(premium.rate.limits, facts.seats),
        cover_set,
        table.ids[premium.rate],
        premium,
        table.table,
    )


def limits_of(limits: Iterable[CoverLimit], seats: int | None) -> tuple[Limit, ...]:
    """The limits of a price line for a vehicle: one a seat is that many times it in all."""
    return tuple(
        Limit(
            one.coverage,
            (one.limit_fen or 0) * (seats or 0) if one.per is LimitPer.SEAT else one.limit_fen,
            one.limit_fen if one.per is LimitPer.SEAT else None,
            one.deductible_fen,
            one.absolute_deductible_percent,
        )
        for one in limits
    )


def cover_choices(file: PolicyFile, kind: EndorsementKind) -> list[Rated]:
    """The cover sets of the policy's table that an endorsement of its covers can change to, priced."""
    policy = file.policy
    if policy.rate_line_id is None:
        return []
    table = rates.table_of_line(policy.rate_line_id)
    found = []
    for cover_set in table.cover_sets:
        try:
            rated = _rated(table, policy, file.facts, cover_set)
        except Invalid:
            # Not sold for this class or size.
            continue
        if kind_of_change(file.limits, rated.limits) is kind:
            found.append(rated)
    return found


def kind_of_change(before: tuple[Limit, ...], after: tuple[Limit, ...]) -> EndorsementKind | None:
    """Whether a change of covers adds one, removes one, or changes sums only; None for another or no change."""
    old, new = {one.code for one in before}, {one.code for one in after}
    if old < new:
        return EndorsementKind.ADD_COVER
    if new < old:
        return EndorsementKind.REMOVE_COVER
    changed = old == new and sorted(before, key=_code) != sorted(after, key=_code)
    return EndorsementKind.SUM_INSURED if changed else None


def _code(limit: Limit) -> str:
    return limit.code.value


def rate_covers(file: PolicyFile, command: EndorsementCommand) -> Rated:
    """The covers wanted and their price: a set of the table, or one cover changed by agreement.

    Invalid: `cover_choice_missing`, `agreed_premium_missing`, `cover_limit_missing`, `cover_not_possible`,
    `endorsement_changes_nothing`.
    """
    if command.cover_set:
        rated = rate(file.policy, file.facts, command.cover_set)
    elif command.agreed is not None:
        rated = _agreed(file, command, command.agreed)
    else:
        raise Invalid("cover_choice_missing", field="cover_set")
    kind = kind_of_change(file.limits, rated.limits)
    if kind is None:
        raise Invalid("endorsement_changes_nothing", field="cover_set")
    if kind is not command.kind:
        raise Invalid("cover_not_possible", field="cover_set")
    return rated


def _agreed(file: PolicyFile, command: EndorsementCommand, agreed: AgreedCover) -> Rated:
    if agreed.code not in LINE_COVERS[file.policy.line]:
        raise Invalid("cover_not_possible", field="code")
    is_removal = command.kind is EndorsementKind.REMOVE_COVER
    if not is_removal and not agreed.limit_fen:
        raise Invalid("cover_limit_missing", field="limit")
    if not command.annual_fen or command.annual_fen < 0:
        raise Invalid("agreed_premium_missing", field="annual")
    others = tuple(one for one in file.limits if one.code is not agreed.code)
    if is_removal:
        return _by_agreement(file, others, command.annual_fen)
    present = next((one for one in file.limits if one.code is agreed.code), Limit(agreed.code, None))
    seats = file.facts.seats or 0
    is_per_seat = agreed.code is CoverCode.CARRIER_LIABILITY
    changed = replace(
        present,
        limit_fen=(agreed.limit_fen or 0) * seats if is_per_seat else agreed.limit_fen,
        per_seat_fen=agreed.limit_fen if is_per_seat else None,
    )
    return _by_agreement(file, (*others, changed), command.annual_fen)


def _by_agreement(file: PolicyFile, limits: tuple[Limit, ...], annual_fen: int) -> Rated:
    # The table's line stays named: a later change of class is priced from the same table.
    return Rated(annual_fen, limits, file.policy.cover_set, file.policy.rate_line_id)


def rate_use(file: PolicyFile, command: EndorsementCommand, facts: VehicleFacts) -> Rated:
    """The same cover set for another use class; by agreement where the policy is not as the table has it."""
    if _is_as_in_table(file):
        return rate(file.policy, facts, file.policy.cover_set)
    if not command.annual_fen or command.annual_fen < 0:
        raise Invalid("endorsement_needs_premium", field="annual")
    return _by_agreement(file, file.limits, command.annual_fen)


def _is_as_in_table(file: PolicyFile) -> bool:
    """Whether the covers are those of a price line: not taken over from a list, not changed by agreement."""
    if file.policy.rate_line_id is None:
        return False
    try:
        rated = rate(file.policy, file.facts, file.policy.cover_set)
    except Invalid:
        return False
    return kind_of_change(file.limits, rated.limits) is None


def rate_without_own_damage(file: PolicyFile, command: EndorsementCommand) -> Rated:
    """What the other covers cost a year, when own damage ends: the set of the table that has just these.

    Invalid `total_loss_needs_premium` when the table has no such set and no premium was stated.
    """
    left = tuple(one for one in file.limits if one.code is not CoverCode.OWN_DAMAGE)
    for rated in cover_choices(file, EndorsementKind.REMOVE_COVER):
        if rated.limits == left:
            return rated
    if not command.annual_fen or not 0 < command.annual_fen <= file.annual_fen:
        raise Invalid("total_loss_needs_premium", field="annual", most=f"{from_fen(file.annual_fen):,.2f}")
    return _by_agreement(file, left, command.annual_fen)
