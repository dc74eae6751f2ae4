"""The calculation as auditors call it: plain JSON in, plain JSON out.

A case is `{"id", "kind", "inputs"}`. Kind `claim` takes one cover or one rule (`claim_forms` lists which inputs tell
them apart), or a whole claim as a calculation keeps it (`claim_json`). Kind `deadline_or_metric` takes legal days and
figures of reports (`figure_forms`). Amounts are numbers or text, dates ISO text. An input that the form does not know
is refused: a misspelt one would otherwise change the answer silently.

Kind `premium`, by its inputs:

* `premium`, `start`, `cancel`: a refund by the day; with `end_exclusive` of a commercial policy, without it of a
  CTPL year.
* `base`, `float`: a CTPL premium with its float.
* `reason`: whether a CTPL policy may be cancelled for it (`deregistered`, `laid up`, `confirmed lost`; no other).
* `annual_premium`, `remaining_days`, `term_days`: a vehicle added for the rest of the term.
* `old`, `new`, `remaining_days`, `term_days`: additional premium, negative when premium is returned.
* `own_damage_premium`: what is returned of it after a total loss was paid.
* `annual_premium`, `months`: asks `refund` (a legacy policy cancelled after so many months; the default) or
  `premium` (a legacy policy for so many months).
* `premium` alone: asks `refund` (a commercial policy cancelled before its start; the default) or `penalty` (the
  fine for a vehicle without CTPL).

Where two questions have the same inputs, a case says which one by an input `asks`, or by the names under its
`expected`: `{"premium": 4690, "asks": "penalty"}`. What stands under `expected` is not looked at otherwise.
"""

from collections.abc import Collection, Mapping
from typing import Any

from service_desk.base.errors import Invalid
from service_desk.rules.legal_days import RestDay, statutory_rest_days
from service_desk.rules.settlement.claim_forms import claim_forms
from service_desk.rules.settlement.figure_forms import figure_forms
from service_desk.rules.settlement.forms import Form
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.premium_forms import PREMIUM_FORMS, QUESTIONS

WEEKENDS = statutory_rest_days((), ())


def settle(
    kind: str,
    inputs: Mapping[str, Any],
    *,
    names: Collection[str] = (),
    is_rest_day: RestDay = WEEKENDS,
) -> dict[str, Any]:
    """Answer one case: `{"expected": {…}, "working": [{label_key, coverage, formula, amount, clause}]}`.

    `names`: what is asked for, as the names under a case's `expected`; needed only where two questions have the
    same inputs and these do not say it. `is_rest_day` moves legal days; without it only weekends do.
    Invalid, with the field: `settlement_kind_unknown`, `settlement_form_unknown`, `input_missing`,
    `input_unknown`, `amount_invalid`, `rate_invalid`, `date_invalid`, `choice_invalid`, `flag_invalid` …
    """
    form = _form_for(kind, inputs, names, is_rest_day)
    reader = Inputs(inputs)
    reader.ignore("asks")
    expected, working = form(reader)
    return {"expected": expected, "working": [line.as_json() for line in working]}


def settle_document(document: Any, *, is_rest_day: RestDay = WEEKENDS) -> list[dict[str, Any]]:
    """Answer a file of cases: a list, or an object with the list under `examples`.

    A case that cannot be answered carries `error` (code, field, params) in place of `expected`; the others
    are answered all the same. Invalid `settlement_file_invalid` when it is no such list.
    """
    cases = document.get("examples") if isinstance(document, dict) else document
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise Invalid("settlement_file_invalid")
    return [_answer(case, is_rest_day) for case in cases]


def _answer(case: dict[str, Any], is_rest_day: RestDay) -> dict[str, Any]:
    head = {"id": case.get("id")}
    try:
        names = case.get("expected") or ()
        names = names if isinstance(names, Mapping) else ()
        kind, inputs = case.get("kind", ""), case.get("inputs", {})
        return head | settle(kind, inputs, names=names, is_rest_day=is_rest_day)
    except Invalid as error:
        return head | {"error": {"code": error.code, "field": error.field, "params": error.params}}


def _form_for(kind: str, inputs: Mapping[str, Any], names: Collection[str], is_rest_day: RestDay) -> Form:
    if not isinstance(inputs, Mapping):
        raise Invalid("settlement_form_unknown", field="inputs")
    given = set(inputs) - {"asks"}
    form = _asked_form(given, inputs.get("asks"), names) if kind == "premium" else None
    if form is not None:
        return form
    for needed, found in _forms(kind, is_rest_day):
        if needed <= given:
            return found
    raise Invalid("settlement_form_unknown", field="inputs", value=", ".join(sorted(map(str, inputs))))


def _forms(kind: str, is_rest_day: RestDay) -> list[tuple[set[str], Form]]:
    if kind == "claim":
        return claim_forms(is_rest_day)
    if kind == "premium":
        return PREMIUM_FORMS
    if kind == "deadline_or_metric":
        return figure_forms(is_rest_day)
    raise Invalid("settlement_kind_unknown", field="kind", value=str(kind))


def _asked_form(given: set[str], asks: Any, names: Collection[str]) -> Form | None:
    """The form where inputs alone do not tell; by what is asked, else by the names of the answer wanted."""
    questions = QUESTIONS.get(frozenset(given))
    if questions is None:
        return None
    if asks is None:
        return next((form for name, form in questions.items() if name in names), questions["refund"])
    if not isinstance(asks, str) or asks not in questions:
        raise Invalid("choice_invalid", field="asks", value=str(asks), choices=", ".join(questions))
    return questions[asks]
