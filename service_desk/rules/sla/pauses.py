"""When a clock may stand: the fixed reasons, the evidence they need, the longest time they last."""

from collections.abc import Mapping
from dataclasses import dataclass

from service_desk.rules.sla.terms import PauseReason


@dataclass(frozen=True)
class PauseRule:
    """`max_days` of 24 hours after its beginning a pause ends by itself."""

    needs_evidence: bool
    max_days: int


# Desk rule. A pause is the easiest way to make a late case look timely, so what the desk waits for must
# be provable (the notice sent, the receipt of the authority), and no pause is for ever.
PAUSE_RULES: Mapping[PauseReason, PauseRule] = {
    PauseReason.WAITING_FOR_CLIENT_DOCUMENTS: PauseRule(needs_evidence=True, max_days=30),
    PauseReason.WAITING_FOR_THIRD_PARTY: PauseRule(needs_evidence=False, max_days=15),
    PauseReason.WAITING_FOR_AUTHORITY: PauseRule(needs_evidence=True, max_days=60),
    PauseReason.VEHICLE_UNAVAILABLE: PauseRule(needs_evidence=False, max_days=7),
    PauseReason.FORCE_MAJEURE: PauseRule(needs_evidence=True, max_days=7),
    PauseReason.CLIENT_ASKED_TO_WAIT: PauseRule(needs_evidence=True, max_days=15),
}
