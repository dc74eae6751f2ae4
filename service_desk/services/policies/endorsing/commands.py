"""What a clerk asks of a policy: an endorsement, its cancellation, or another vehicle in its place."""

from dataclasses import dataclass
from datetime import date

from service_desk.models.policies import EndorsementKind
from service_desk.rules.rating import CtplFloat
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import CoverCode, UseClass


@dataclass(frozen=True)
class AgreedCover:
    """One cover changed by agreement, outside the price table. `limit_fen` None: the cover is removed.

    For carrier's liability the limit is that of a seat.
    """

    code: CoverCode
    limit_fen: int | None = None


@dataclass(frozen=True)
class EndorsementCommand:
    """An endorsement as typed; which fields count depends on its kind.

    `effective_on` None: at once. `annual_fen`: a premium of the whole year that was agreed, where the price table
    has none. `expected_fen`: the premium the clerk saw; when it differs now, nothing is written. `version` is that
    of the policy's row the clerk looked at, None to take it as it is.
    `with_vehicle`: the vehicle's own record is changed too.
    """

    kind: EndorsementKind
    reason: str
    effective_on: date | None = None
    version: int | None = None
    expected_fen: int | None = None
    plate: str = ""
    vin: str = ""
    use_class: UseClass | None = None
    branch_id: int | None = None
    with_vehicle: bool = False
    cover_set: str = ""
    agreed: AgreedCover | None = None
    annual_fen: int | None = None
    cause: CancelReason | None = None
    vehicle: str = ""
    ctpl_float: CtplFloat = CtplFloat.A4
    tax_fen: int = 0
