"""Deadlines and figures of reports as auditors write them."""

from decimal import Decimal

from service_desk.base.money import ZERO, round_yuan, to_fen
from service_desk.rules.legal_days import (
    ADVANCE_PAYMENT_DAYS,
    CTPL_DECISION_DAYS,
    CTPL_DOCUMENT_LIST_DAYS,
    DECISION_DAYS,
    DENIAL_NOTICE_DAYS,
    PAYMENT_DAYS,
    RestDay,
    commercial_deadlines,
    ctpl_deadlines,
    last_day,
)
from service_desk.rules.metrics import (
    Ratio,
    closing_rate,
    coverage_ratio,
    earned_loss_ratio,
    earned_premium,
    reserve_close,
    simple_loss_ratio,
)
from service_desk.rules.renewal import RenewalFigures
from service_desk.rules.settlement.forms import Answer, Form, amounts, plain
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.working import Source, Step, WorkingLine, require_amount, yuan

ASSESSMENT_TARGETS_2005: tuple[tuple[Decimal | None, int], ...] = (
    (Decimal(5_000), 2),
    (Decimal(30_000), 3),
    (Decimal(100_000), 7),
    (None, 15),
)
"""Working days to assess by the amount, the boundary inside: PICC Heilongjiang, December 2005 (domain.md section 2)."""

MOST_CLAIMS = 100_000_000


def _term(formula: str, days: int, source: Source) -> WorkingLine:
    return WorkingLine(Step.TERM, None, formula, Decimal(days), source)


def _ctpl_chain(is_rest_day: RestDay) -> Form:
    def form(inputs: Inputs) -> Answer:
        application, received = inputs.day("application"), inputs.day("documents_received")
        agreement = inputs.day("agreement")
        inputs.done()
        due = ctpl_deadlines(
            application=application,
            documents_received=received,
            agreement=agreement,
            is_rest_day=is_rest_day,
        )
        source = Source.CTPL_REGULATION_28
        working = (
            _term(
                f"{application} + {CTPL_DOCUMENT_LIST_DAYS} → {due.document_list_due}",
                CTPL_DOCUMENT_LIST_DAYS,
                source,
            ),
            _term(
                f"{received} + {CTPL_DECISION_DAYS} = {due.decision_due_raw} → {due.decision_due_rolled}",
                CTPL_DECISION_DAYS,
                source,
            ),
            _term(f"{agreement} + {PAYMENT_DAYS} → {due.payment_due}", PAYMENT_DAYS, source),
        )
        return {name: day.isoformat() for name, day in vars(due).items()}, working

    return form


def _commercial_chain(is_rest_day: RestDay) -> Form:
    def form(inputs: Inputs) -> Answer:
        request, refused = inputs.day("request"), inputs.day("refusal_decision")
        complete = inputs.day("documents_complete")
        inputs.done()
        due = commercial_deadlines(
            request=request, refusal_decision=refused, documents_complete=complete, is_rest_day=is_rest_day
        )
        working = (
            _term(
                f"{request} + {DECISION_DAYS} → {due.decision_due}", DECISION_DAYS, Source.INSURANCE_LAW_23
            ),
            _term(
                f"{refused} + {DENIAL_NOTICE_DAYS} → {due.refusal_notice_due}",
                DENIAL_NOTICE_DAYS,
                Source.INSURANCE_LAW_24,
            ),
            _term(
                f"{max(request, complete)} + {ADVANCE_PAYMENT_DAYS} → {due.advance_due}",
                ADVANCE_PAYMENT_DAYS,
                Source.INSURANCE_LAW_25,
            ),
        )
        return {name: day.isoformat() for name, day in vars(due).items()}, working

    return form


def advance_form(is_rest_day: RestDay) -> Form:
    """The part that is sure is paid 60 days after the documents; the rest later (Insurance Law art. 25)."""

    def form(inputs: Inputs) -> Answer:
        documents = inputs.day("documents_complete")
        sure, final = inputs.amount("determinable_amount"), inputs.amount("final_amount")
        inputs.done()
        due = last_day(documents, ADVANCE_PAYMENT_DAYS, is_rest_day)
        advance = round_yuan(sure)
        balance = round_yuan(final) - advance
        working = (
            WorkingLine(
                Step.TERM,
                None,
                f"{documents} + {ADVANCE_PAYMENT_DAYS} → {due}",
                Decimal(ADVANCE_PAYMENT_DAYS),
                Source.INSURANCE_LAW_25,
            ),
            WorkingLine(Step.ADVANCE, None, yuan(sure), advance, Source.INSURANCE_LAW_25),
            WorkingLine(
                Step.BALANCE, None, f"{yuan(final)} − {yuan(sure)}", balance, Source.INSURANCE_LAW_25
            ),
        )
        figures = amounts({"advance": advance, "balance": balance})
        return {"advance_due_by": due.isoformat()} | figures, working

    return form


def _assessment_targets(inputs: Inputs) -> Answer:
    assessed = inputs.amounts("assessed")
    inputs.done()
    days = [_target(amount) for amount in assessed]
    working = tuple(
        _term(yuan(amount), target, Source.SERVICE_TARGETS_2005)
        for amount, target in zip(assessed, days, strict=True)
    )
    return {"working_days": days}, working


def _target(amount: Decimal) -> int:
    return next(days for limit, days in ASSESSMENT_TARGETS_2005 if limit is None or amount <= limit)


def _earned(inputs: Inputs) -> Answer:
    premium, start, days = inputs.amount("premium"), inputs.day("start"), inputs.count("term_days")
    as_of = inputs.day("as_of")
    inputs.done()
    require_amount(Decimal(days) - 1, "term_days")
    earned = earned_premium(premium, start, days, as_of)
    elapsed = min(max((as_of - start).days, 0), days)
    formula = f"{yuan(premium)} × {elapsed} ÷ {days}"
    return amounts({"earned": earned}), (
        WorkingLine(Step.EARNED, None, formula, earned, Source.FIGURE_DEFINITION),
    )


def _loss_ratios(inputs: Inputs) -> Answer:
    loss = inputs.amount("settled") + inputs.amount("open_reserve")
    written, earned = inputs.amount("written"), inputs.amount("earned")
    inputs.done()
    over = {"earned_loss_ratio": earned, "simple_loss_ratio": written}
    found = {
        "earned_loss_ratio": earned_loss_ratio(to_fen(loss), to_fen(earned)),
        "simple_loss_ratio": simple_loss_ratio(to_fen(loss), to_fen(written)),
    }
    ratios = {name: ratio.percent() or ZERO for name, ratio in found.items()}
    working = tuple(
        WorkingLine(
            Step.LOSS_RATIO,
            None,
            f"{yuan(loss)} ÷ {yuan(premium)}",
            ratios[name],
            Source.FIGURE_DEFINITION,
        )
        for name, premium in over.items()
    )
    return {name: f"{ratio}%" for name, ratio in ratios.items()}, working


def _rate(ratio: Ratio, formula: str, places: int = 1) -> tuple[str, WorkingLine]:
    rate = ratio.percent(places) or ZERO
    return f"{rate}%", WorkingLine(Step.RATE, None, formula, rate, Source.FIGURE_DEFINITION)


def _closing_rate(inputs: Inputs) -> Answer:
    book = [inputs.count(name, most=MOST_CLAIMS) for name in ("open_at_start", "new", "reopened")]
    closed = inputs.count("closed", most=MOST_CLAIMS)
    inputs.done()
    rate = closing_rate(open_start=book[0], reported=book[1], reopened=book[2], closed=closed)
    shown, step = _rate(rate, f"{closed} ÷ ({' + '.join(map(str, book))})")
    return {"closing_rate": shown}, (step,)


def _renewal_rate(inputs: Inputs) -> Answer:
    figures = RenewalFigures(
        inputs.count("due_vins", most=MOST_CLAIMS),
        inputs.count("renewed", most=MOST_CLAIMS),
        inputs.count("not_yet_due", default=0, most=MOST_CLAIMS),
    )
    inputs.done()
    rate, step = _rate(figures.rate, f"{figures.renewed} ÷ {figures.due}")
    lost = WorkingLine(
        Step.COUNT,
        None,
        f"{figures.due} − {figures.renewed} − {figures.to_renew}",
        Decimal(figures.lost),
        Source.FIGURE_DEFINITION,
    )
    return {"renewal_rate": rate, "lost": figures.lost}, (step, lost)


def _coverage_ratio(inputs: Inputs) -> Answer:
    """Suspended vehicles are no operating ones: they are told for information only."""
    operating = inputs.count("operating_vehicles", most=MOST_CLAIMS)
    covered = inputs.count("with_ctpl_and_tpl_and_carrier_liability_in_force", most=MOST_CLAIMS)
    inputs.ignore("suspended")
    inputs.done()
    rate, step = _rate(coverage_ratio(covered, operating), f"{covered} ÷ {operating}", places=2)
    missed = WorkingLine(
        Step.COUNT,
        None,
        f"{operating} − {covered}",
        Decimal(operating - covered),
        Source.FIGURE_DEFINITION,
    )
    return {"coverage_ratio": rate, "missed": operating - covered}, (step, missed)


def _first_scene_rate(inputs: Inputs) -> Answer:
    needed, seen = (
        inputs.count("claims_needing_survey", most=MOST_CLAIMS),
        inputs.count("surveyed_at_first_scene", most=MOST_CLAIMS),
    )
    inputs.done()
    rate, step = _rate(Ratio(seen, needed), f"{seen} ÷ {needed}")
    return {"rate": rate}, (step,)


def _roll_forward(inputs: Inputs) -> Answer:
    added = [inputs.amount(name) for name in ("open", "new", "increase")]
    taken = [inputs.amount(name) for name in ("decrease", "paid", "released_on_close")]
    inputs.done()
    close = reserve_close(open=added[0], came=added[1:], went=taken)
    formula = " + ".join(map(yuan, added)) + "".join(f" − {yuan(amount)}" for amount in taken)
    step = WorkingLine(Step.RESERVE_CLOSE, None, formula, close, Source.FIGURE_DEFINITION)
    return {"close": plain(close)}, (step,)


def figure_forms(is_rest_day: RestDay) -> list[tuple[set[str], Form]]:
    """The forms of deadlines and figures by the inputs that tell them apart."""
    return [
        ({"application", "documents_received", "agreement"}, _ctpl_chain(is_rest_day)),
        ({"request", "refusal_decision", "documents_complete"}, _commercial_chain(is_rest_day)),
        ({"assessed"}, _assessment_targets),
        ({"premium", "start", "term_days", "as_of"}, _earned),
        ({"settled", "open_reserve", "earned", "written"}, _loss_ratios),
        ({"open_at_start", "new", "reopened", "closed"}, _closing_rate),
        ({"due_vins", "renewed"}, _renewal_rate),
        ({"operating_vehicles", "with_ctpl_and_tpl_and_carrier_liability_in_force"}, _coverage_ratio),
        ({"claims_needing_survey", "surveyed_at_first_scene"}, _first_scene_rate),
        ({"open", "new", "increase", "decrease", "paid", "released_on_close"}, _roll_forward),
    ]
