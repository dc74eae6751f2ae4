"""A desk with something in every list, and the way from link to link through all its pages."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.jobs import sla_sweep
from service_desk.models.db import db
from service_desk.models.policies import EndorsementKind, Policy
from service_desk.models.premiums import Receivable
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.hooks import HookKind
from service_desk.rules.messaging import ThreadKind
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.periods import week_of
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import messages, policies, premiums
from service_desk.services.documents import Upload
from service_desk.services.duty import planning, reading, swaps
from service_desk.services.fleet import importing
from service_desk.services.notices import channels
from service_desk.services.notices.channels import ChannelDetails
from service_desk.services.policies import (
    IssueRequest,
    LineChoice,
    endorsing,
    quote_sheets,
    rate_drafts,
    rates,
)
from service_desk.services.policies.delivery import runs as delivery_runs
from service_desk.services.policies.endorsing import EndorsementCommand
from service_desk.services.policies.quote_sheets import QuoteRequest
from service_desk.services.policies.rate_drafts import DraftDetails
from service_desk.services.premiums import ReceiptCommand
from service_desk.services.reports import runs, schedules
from tests.browser.pages import PHONE, covered_rows, scrolls_sideways, too_wide_tables
from tests.claim_cases import Journey, file_store, picture, reported_claim
from tests.world import World

ROLES = ("manager", "admin", "underwriter", "claims1", "hq", "safety-gongyi")
# Files are no pages; a photo is shown as it is.
FILE = re.compile(r"\.(pdf|xlsx|json|ics)$|^/(documents|static)/|/(export|original|checked)$")


def _plan_duty(world: World, now: datetime) -> None:
    """Three weeks of duty in turns, and a shift that somebody would give away."""
    today = local_date(now)
    turns = planning.Plan(today, today + timedelta(days=20), (world.claims1.id, world.claims2.id))
    planning.plan(world.account.id, turns, actor=world.manager, now=now)
    mine = next(one for one in reading.list_mine(actor=world.claims1, now=now) if one.from_at > now)
    swaps.ask(mine.id, world.claims2.id, None, "家里有事", actor=world.claims1, now=now)


def fill_desk(world: World) -> None:
    """Something in every list: claims in several states, a breach, policies, a receipt, an endorsement, a run, a list, a report."""
    now = utc_now()
    rates.install_sample_rates(now=now)
    schedules.ensure_schedules(now)
    talked_of = reported_claim(world, now - timedelta(hours=3), is_disputed=True).number
    asked = messages.NewMessage("对方保单要复印件吗？", [picture()])
    messages.write(ThreadKind.CLAIM, talked_of, asked, files=file_store(), actor=world.safety_gongyi, now=now)
    sla_sweep.run(now)
    for number, state in enumerate((ClaimState.ASSESSED, ClaimState.CALCULATED, ClaimState.CLOSED), start=1):
        started = now - timedelta(hours=number)
        Journey(world, reported_claim(world, started), started).to(state)
    _insure_and_pay(world)
    quote = QuoteRequest(world.account.id, (world.coach.id,), (LineChoice(PolicyLine.CTPL, "basic"),))
    quote_sheets.make(quote, actor=world.underwriter, now=now)
    table = rates.in_force(None, local_date(now))[PolicyLine.CTPL].table
    rate_drafts.begin(table.id, DraftDetails(local_date(now)), actor=world.admin, now=now)
    head = "车牌号,车架号,座位数,单位\n豫A12345,,50,巩义客运分公司\n豫AO1111,X,49,老公司\n"
    importing.upload_list(
        Upload("清单.csv", head.encode()),
        world.account.id,
        files=file_store(),
        actor=world.underwriter,
        now=now,
    )
    last_week = week_of(local_date(now)) - timedelta(days=7)
    runs.run_now(world.account.id, runs.RunNow(last_week, is_sent=True), actor=world.manager, now=now)
    address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789abcdef"
    bot = ChannelDetails(HookKind.WECOM, "理赔群", "zh", tuple(NoticeSubject), is_active=True, url=address)
    channels.add_channel(world.account.id, bot, actor=world.manager, now=now)
    _plan_duty(world, now)
    db.session.commit()


def _insure_and_pay(world: World) -> None:
    now = utc_now()
    lines = (LineChoice(PolicyLine.CTPL, "basic"), LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k"))
    order = IssueRequest(world.account.id, (world.coach.id, world.bus.id, world.truck.id), lines)
    policies.issue_many(order, actor=world.underwriter, now=now)
    owed = db.session.scalars(select(Receivable.id).filter_by(branch_id=world.gongyi.id)).first()
    assert owed is not None
    receipt = ReceiptCommand(world.gongyi.id, (owed,), None, local_date(now), "transfer", "巩义客运分公司")
    premiums.record_receipt(receipt, actor=world.underwriter, now=now)
    ended = db.session.scalars(
        select(Policy.number).filter_by(vehicle_id=world.coach.id, line=PolicyLine.CTPL)
    ).one()
    laid_up = EndorsementCommand(EndorsementKind.CANCELLATION, "车辆停驶", cause=CancelReason.LAID_UP)
    endorsing.endorse(ended, laid_up, actor=world.underwriter, now=now)
    delivery_runs.plan(
        delivery_runs.RunCommand(world.gongyi.id, local_date(now), "李静"), actor=world.underwriter, now=now
    )


def watch(page: Page) -> list[str]:
    """A list that fills with whatever the desk refuses or fails at."""
    broken: list[str] = []

    def look(answer: Response) -> None:
        if answer.status >= 400:
            broken.append(f"{answer.status} {answer.url} on {page.url}")

    page.on("response", look)
    return broken


def fits(page: Page, device: dict[str, Any]) -> list[str]:
    """A desk may be scrolled sideways, a phone may not. On a desk no table sticks out of its card or hides its rows."""
    if device is PHONE:
        return [f"{page.url} scrolls sideways"] if scrolls_sideways(page) else []
    wide = [f"{page.url} has a table wider than its card: {caption}" for caption in too_wide_tables(page)]
    return wide + [f"{page.url} has a heading over its rows: {caption}" for caption in covered_rows(page)]


def resize(page: Page, device: dict[str, Any]) -> None:
    """To the device's window, until the scripts that watch sizes have seen it."""
    if page.viewport_size != device["viewport"]:
        page.set_viewport_size(device["viewport"])
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def crawl(page: Page) -> Iterator[str]:
    """Open one page of each kind that links lead to, from the home page on."""
    waiting, seen = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        page.goto(path)
        yield path
        # A locator would have its whole engine loaded into each page for this one question.
        for link in page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)"):
            found = urlsplit(link)
            kind = kind_of(found.path)
            if found.netloc == urlsplit(page.url).netloc and kind not in seen and not FILE.search(found.path):
                seen.add(kind)
                waiting.append(found.path)


def kind_of(path: str) -> str:
    """The path with its numbers taken out."""
    return re.sub(r"\d+", "#", re.sub(r"[A-Z]{3}-?\d{4}-\d+", "#", path))
