"""Which letter the end of a claim calls for, and the clauses a refusal may stand on."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.vocabulary import CoverCode


class LetterKind(StrEnum):
    """Refusal notice, confirmation of a withdrawal, notice of closing without payment."""

    REFUSAL = "refusal"
    WITHDRAWAL = "withdrawal"
    ZERO_PAYMENT = "zero_payment"


class ClauseSource(StrEnum):
    """Where a clause stands."""

    INSURANCE_LAW = "insurance_law"
    CTPL = "ctpl"
    OWN_DAMAGE = "own_damage"
    THIRD_PARTY = "third_party"
    ANY_POLICY = "any_policy"


class RefusalClause(StrEnum):
    """The clauses to choose from; their words are labels. A number is an article of the statute."""

    NOT_IN_FORCE = "not_in_force"
    OUTSIDE_SCOPE = "outside_scope"
    LATE_NOTICE = "law_21"
    INVENTED_LOSS = "law_27"
    HIGHER_RISK = "law_52"
    TRANSFER_UNTOLD = "law_49"
    VICTIM_INTENT = "ctpl_21"
    NO_LICENCE_CTPL = "ctpl_22"
    OWN_DAMAGE_DRIVER = "own_damage_driver"
    OWN_DAMAGE_VEHICLE = "own_damage_vehicle"
    OWN_DAMAGE_LEFT_SCENE = "own_damage_left_scene"
    OWN_DAMAGE_WEAR = "own_damage_wear"
    THIRD_PARTY_DRIVER = "third_party_driver"
    THIRD_PARTY_VEHICLE = "third_party_vehicle"
    THIRD_PARTY_LEFT_SCENE = "third_party_left_scene"
    THIRD_PARTY_OWN_PEOPLE = "third_party_own_people"


@dataclass(frozen=True)
class Clause:
    """A clause with where it stands; `article` is empty where each policy numbers its own."""

    code: RefusalClause
    source: ClauseSource
    article: str = ""


R, S = RefusalClause, ClauseSource

REFUSAL_CLAUSES = (
    Clause(R.NOT_IN_FORCE, S.ANY_POLICY),
    Clause(R.OUTSIDE_SCOPE, S.ANY_POLICY),
    Clause(R.LATE_NOTICE, S.INSURANCE_LAW, "21"),
    Clause(R.INVENTED_LOSS, S.INSURANCE_LAW, "27"),
    Clause(R.TRANSFER_UNTOLD, S.INSURANCE_LAW, "49"),
    Clause(R.HIGHER_RISK, S.INSURANCE_LAW, "52"),
    Clause(R.VICTIM_INTENT, S.CTPL, "21"),
    Clause(R.NO_LICENCE_CTPL, S.CTPL, "22"),
    Clause(R.OWN_DAMAGE_DRIVER, S.OWN_DAMAGE),
    Clause(R.OWN_DAMAGE_VEHICLE, S.OWN_DAMAGE),
    Clause(R.OWN_DAMAGE_LEFT_SCENE, S.OWN_DAMAGE),
    Clause(R.OWN_DAMAGE_WEAR, S.OWN_DAMAGE),
    Clause(R.THIRD_PARTY_DRIVER, S.THIRD_PARTY),
    Clause(R.THIRD_PARTY_VEHICLE, S.THIRD_PARTY),
    Clause(R.THIRD_PARTY_LEFT_SCENE, S.THIRD_PARTY),
    Clause(R.THIRD_PARTY_OWN_PEOPLE, S.THIRD_PARTY),
)


_COVER_OF = {
    ClauseSource.CTPL: CoverCode.CTPL,
    ClauseSource.OWN_DAMAGE: CoverCode.OWN_DAMAGE,
    ClauseSource.THIRD_PARTY: CoverCode.TPL,
}


def clauses_for(covers: Collection[str]) -> tuple[Clause, ...]:
    """The clauses that can stand against a claim with these covers: the statutes', and those of its own policies."""
    return tuple(
        clause
        for clause in REFUSAL_CLAUSES
        if clause.source not in _COVER_OF or _COVER_OF[clause.source] in covers
    )


def letter_for(state: ClaimState, *, paid_fen: int, is_round_withdrawn: bool = False) -> LetterKind | None:
    """The letter that the claim's end calls for; None while it is open, or closed with money paid.

    `is_round_withdrawn`: the present round was taken back, whatever an earlier one was paid.
    """
    if state is ClaimState.CLOSED and is_round_withdrawn:
        return LetterKind.WITHDRAWAL
    if state is ClaimState.DENIED:
        return LetterKind.REFUSAL
    if state is ClaimState.WITHDRAWN:
        return LetterKind.WITHDRAWAL
    return LetterKind.ZERO_PAYMENT if state is ClaimState.CLOSED and not paid_fen else None
