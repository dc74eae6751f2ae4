"""Words of the monthly underwriting table and of the renewal forecast."""

from flask_babel import lazy_gettext as _l

from service_desk.presenters.labels.endorsements import LABELS as _ENDORSEMENTS

LABELS = {
    "report_table": {
        "acts": _l("Policies issued, endorsements and cancellations"),
        "expiring_bands": _l("Cover that ends, by days after the period"),
        "expiring_groups": _l("Cover that ends, by branch, class and line"),
        "expiring_results": _l("What the policies that end have brought so far"),
        "renewal_months": _l("Renewals of the past twelve months"),
        "expiring_vehicles": _l("Policies that end"),
    },
    "report_chart": {
        "expiring_bands": _l("Premium expected of renewals"),
        "renewal_months": _l("Renewal rate of the past twelve months"),
    },
    "report_heading": {
        "endorsements": _l("Endorsements made"),
        "cancellations": _l("Cancellations"),
        "change_on_month": _l("Change on month"),
        "change_on_year": _l("Change on year"),
        "act_at": _l("Recorded at"),
        "act": _l("Act"),
        "endorsement_no": _l("Endorsement no."),
        "premium": _l("Premium"),
        "band": _l("Ends within"),
        "policies": _l("Policies"),
        "renewed_already": _l("Renewed already"),
        "to_renew": _l("Still to renew"),
        "premium_expected": _l("Premium expected"),
        "premium_days_30": _l("Expected within 30 days"),
        "premium_days_60": _l("Expected in 31 to 60 days"),
        "premium_days_90": _l("Expected in 61 to 90 days"),
        "claims": _l("Claims"),
        "renewed": _l("Vehicles renewed"),
        "to_renew_vehicles": _l("Vehicles still to renew"),
        "lost": _l("Vehicles lost"),
        "vin": _l("VIN"),
        "last_day": _l("Last covered day"),
        "days_left": _l("Days left"),
        "is_renewed": _l("Renewed"),
    },
    "report_act": {"issue": _l("Policy issued"), **_ENDORSEMENTS["endorsement_kind"]},
    "report_band": {
        "days_30": _l("1 to 30 days"),
        "days_60": _l("31 to 60 days"),
        "days_90": _l("61 to 90 days"),
    },
    "report_note": {
        "underwriting_month": _l(
            "A policy counts in the month of its issue, an endorsement in the month it was made. "
            "Voided policies are left out; vehicle tax is no premium."
        ),
        "taken_over_left_out": _l(
            "Policies taken over from lists in this month are not counted: they were written before the desk kept the"
            " account."
        ),
        "list_cut": _l("Lists of single rows are cut after 5,000 of them; the figures count all."),
        "premium_expected": _l(
            "Premium expected is a year's premium of each policy that ends and is not renewed yet, as it was endorsed"
            " last."
        ),
        "losses_of_expiring": _l(
            "Losses are of accidents within the terms of the policies that end, as they stood at the end of the period."
            " One accident may be paid by several lines, so it is not divided among them."
        ),
    },
}
