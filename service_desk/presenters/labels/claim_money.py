"""Words of authority, advances, payments sent back, letters and recoveries."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "letter_title": {
        "refusal": _l("Notice of refusal"),
        "withdrawal": _l("Confirmation of withdrawal"),
        "zero_payment": _l("Notice of closing without payment"),
    },
    "clause_source": {
        "insurance_law": _l("Insurance Law"),
        "ctpl": _l("CTPL policy"),
        "own_damage": _l("Own damage, exclusions"),
        "third_party": _l("Third-party liability, exclusions"),
        "any_policy": _l("Policy"),
    },
    "refusal_clause": {
        "not_in_force": _l("no cover was in force at the time of loss"),
        "outside_scope": _l("the loss is not among those the cover pays for"),
        "law_21": _l("late notice, by which cause and extent of the loss can no longer be established"),
        "law_27": _l("an invented or deliberately caused accident, or false evidence"),
        "law_49": _l("transfer of the vehicle not notified, by which the risk rose considerably"),
        "law_52": _l("a considerably higher risk that was not notified, such as another use of the vehicle"),
        "ctpl_21": _l("the loss was deliberately caused by the victim"),
        "ctpl_22": _l("driver without licence or drunk, vehicle stolen, or accident caused on purpose"),
        "own_damage_driver": _l(
            "driver without a fitting licence, or under the influence of alcohol or drugs"
        ),
        "own_damage_vehicle": _l("vehicle licence or plate cancelled, or vehicle seized, raced or altered"),
        "own_damage_left_scene": _l("leaving the scene without need, or faking or destroying evidence"),
        "own_damage_wear": _l("wear, corrosion, breakdown or a fault of manufacture"),
        "third_party_driver": _l(
            "driver without a fitting licence, or under the influence of alcohol or drugs"
        ),
        "third_party_vehicle": _l("vehicle licence or plate cancelled, or vehicle seized, raced or altered"),
        "third_party_left_scene": _l("leaving the scene without need, or faking or destroying evidence"),
        "third_party_own_people": _l(
            "loss of the insured themselves, of their property or of people in the vehicle"
        ),
    },
    "advance_basis": {
        "certain_part": _l("Part that is certain already (Insurance Law, art. 25)"),
        "rescue_costs": _l("Rescue costs under CTPL (CTPL Regulation, arts. 22 and 31)"),
    },
    "advance_state": {
        "proposed": _l("waits for approval"),
        "approved": _l("approved, to be paid"),
        "refused": _l("refused"),
        "paid": _l("paid"),
        "cancelled": _l("overtaken by the decision"),
    },
    "pay_doubt": {
        "card_check_digit": _l("card number compared, its check digit is wrong"),
        "other_payee": _l("the insured's payment authority is on file"),
    },
    "recovery_kind": {
        "subrogation": _l("Subrogation"),
        "ctpl_recourse": _l("Recourse under CTPL"),
        "overpaid": _l("Paid too much"),
        "salvage": _l("Salvage"),
        "other": _l("Other"),
    },
    "recovery_state": {
        "open": _l("Not settled"),
        "settled": _l("Settled"),
    },
    "write_off_reason": {
        "not_owed_any_more": _l("not owed any more: the payment or the decision changed"),
    },
    "audit_field": {
        "confirmed": _l("Confirmed by tick"),
        "kind": _l("Kind"),
        "limit_fen": _l("Authority up to"),
        "received_fen": _l("Received"),
        "sent_to": _l("Sent to"),
        "write_off_reason": _l("Reason for writing off"),
        "written_off_fen": _l("Written off"),
    },
    "audit_action": {
        "authority_added": _l("Authority given"),
        "authority_ended": _l("Authority ended"),
        "claim_approval_asked": _l("Approval asked for"),
        "claim_advance_proposed": _l("Advance proposed"),
        "claim_advance_approved": _l("Advance approved"),
        "claim_advance_refused": _l("Advance refused"),
        "claim_payment_returned": _l("Payment returned by the bank"),
        "claim_letter_written": _l("Letter written"),
        "claim_letter_sent": _l("Letter sent"),
        "recovery_added": _l("Recovery opened"),
        "recovery_corrected": _l("Amount to get back corrected"),
        "recovery_received": _l("Recovery received"),
        "recovery_receipt_struck": _l("Receipt of a recovery struck off"),
        "recovery_written_off": _l("Recovery written off"),
        "supervision_phone_set": _l("Telephone of the supervisory authority set"),
    },
}
