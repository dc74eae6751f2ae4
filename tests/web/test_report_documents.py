"""Any report on the page, as a spreadsheet, on paper and in a mail: the same words and figures, in both languages."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from pdfminer.high_level import extract_pages, extract_text
from pdfminer.layout import LTChar, LTContainer
from PIL import Image

from service_desk.models.notices import Notice
from service_desk.presenters import mail, report_documents
from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.presenters.report_documents import as_mail, charts, tables, words
from service_desk.rules.metrics import MeasureCode, Ratio
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Name,
    ReportKind,
    Table,
    Tile,
)
from service_desk.rules.vocabulary import UseClass
from tests.report_documents import AT, DETAIL_ROWS, EVERY, FEW_BUSY, LARGE, NOTHING, ZONE


def page_of(app: Flask, language: str, address: str = "/reports/1", report=EVERY) -> str:
    args = dict(re.findall(r"[?&](\w+)=(\w+)", address))
    with app.test_request_context(address), in_language(language):
        context = report_documents.page_context(report, args)
        page = app.jinja_env.get_template("reports/_document.html").render(context)
    return " ".join(page.split())


def test_the_page_says_every_kind_of_value(app: Flask, session) -> None:
    page = page_of(app, "en")

    assert "1,234" in page
    assert '85.7%<br><span class="muted small">(6/7)</span>' in page
    assert "12,345.67" in page
    assert "33.3%" in page
    assert "100.00 / <wbr>300.00" in page
    assert "50.01" in page  # 100.01 over two, half-up
    # In the account's zone, and neither the day nor the time broken.
    assert '<span class="nowrap">2026-09-04</span> <span class="nowrap">07:02</span>' in page
    assert "2 h 1 min" in page
    assert "+12.5%" in page
    assert "(1.00" not in page
    assert "—" in page
    assert "▲ </span>+14.3 points, better" in page
    assert "▲ </span>+5.00 days, worse" in page
    assert "market: 29.26 days" in page
    assert "The market line is a published figure" in page
    assert "Compared with Q2 2026." in page
    assert 'href="/measures#closing_rate"' in page
    assert 'href="/claims/CLM-2026-000001"' in page
    # Names are never markup, and what has no words any more is still shown.
    assert "Gongyi &lt;b&gt;" in page
    assert "<b>" not in page
    assert "A state of old" in page
    assert "A note of old" in page
    assert "Nothing in this period." in page
    # A chart of each unit, with its numbers in words.
    assert page.count('class="bars"') == 2
    assert '<pattern id="chart-1-1"' in page
    assert re.search("<desc>[^<]*Gongyi &lt;b&gt; 85.7%", page)
    assert "style=" not in page


def test_a_long_table_is_paged_and_names_come_in_the_readers_language(app: Flask, session) -> None:
    first, second = page_of(app, "zh"), page_of(app, "zh", "/reports/1?page_claims_of_period=2")

    assert "巩义&lt;b&gt;分公司" in first
    assert "2026年第2季度" in first
    assert "+14.3 个百分点，好转" in first
    assert "CLM-2026-000064" not in first
    assert 'href="/reports/1?page_claims_of_period=2#table-claims_of_period"' in first
    assert "CLM-2026-000064" in second
    assert "CLM-2026-000001" not in second
    assert "CLM-2026-000064" in page_of(app, "zh", "/reports/1?page_claims_of_period=999")
    assert "CLM-2026-000001" in page_of(app, "zh", "/reports/1?page_claims_of_period=x")
    assert "figure-card" not in page_of(app, "zh", report=NOTHING)


def test_branches_without_any_figure_stand_in_the_spreadsheet_alone(app: Flask, session) -> None:
    page = page_of(app, "zh", report=FEW_BUSY)
    assert "第3分公司" in page
    assert "第4分公司" not in page
    assert "另有 19 行本期无数据" in page
    assert "共 20 项，其中 1 项有数据" in page

    with in_language("zh"):
        book = load_workbook(io.BytesIO(report_documents.workbook(FEW_BUSY)))
    assert book.active.max_row == 4 + 20 + 1


def test_the_spreadsheet_holds_numbers_and_no_formulas(app: Flask, session) -> None:
    with in_language("en"):
        book = load_workbook(io.BytesIO(report_documents.workbook(EVERY)))

    assert book.sheetnames[:3] == ["Overview", "By branch", "Claims of the period"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]

    branches = book["By branch"]
    heads, first, second, total = list(branches.iter_rows(min_row=4, max_row=7))
    values = dict(zip([cell.value for cell in heads], first, strict=True))
    assert values["Branch"].value == "Gongyi <b>"
    assert second[0].value == "=1+1"
    rates = [cell for cell in first if cell.number_format == "0.0%"]
    assert [round(cell.value, 3) for cell in rates] == [0.857, 0.333]
    at = first.index(rates[0])
    assert (first[at + 1].value, first[at + 2].value) == (6, 7)
    at = first.index(rates[1])
    assert (first[at + 1].value, first[at + 2].value) == (100, 300)
    assert 12345.67 in [cell.value for cell in first]
    assert timedelta(hours=2, minutes=1) in [cell.value for cell in first]
    assert 11.5 in [cell.value for cell in second]
    assert total[0].value == "Total"
    assert branches.freeze_panes == "A5"
    assert branches.auto_filter.ref.startswith("A4:")
    assert branches.page_setup.orientation == "landscape"
    assert branches.print_title_rows == "$4:$4"

    claims = book["Claims of the period"]
    row = [cell.value for cell in claims[6]]
    assert row[:3] == ["CLM-2026-000001", datetime(2026, 9, 4, 7, 2), datetime(2026, 9, 3)]
    assert claims.max_row == 4 + DETAIL_ROWS
    overview = [cell.value for cell in book["Overview"][8]]
    assert overview[1:5] == [pytest.approx(6 / 7), 6, 7, pytest.approx(5 / 7)]
    assert ZONE in str(book["Overview"]["A3"].value)


def test_the_paper_says_the_same_in_both_languages_with_room_to_sign(app: Flask, session) -> None:
    said = {}
    for language in ("zh", "en"):
        with in_language(language):
            printed = report_documents.pdf(EVERY)
        said[language] = "".join(extract_text(io.BytesIO(printed)).split())

    for figure in ("12,345.67", "85.7%", "6/7", "Gongyi<b>", "=1+1", "2026-09-0407:02"):
        assert figure in said["en"]
    assert "Thefirst60of65lines" in said["en"]
    assert "Client:Zhengzhou<b>" in said["en"]
    assert "Page1of" in said["en"]
    for words_said in (
        "季度服务评估报告",
        "郑州<b>集团",
        "2026年第3季度",
        "此处列出前60行，共65行",
        "保险方：",
        "合计",
    ):
        assert words_said in said["zh"]
    with in_language("zh"):
        assert report_documents.pdf(NOTHING)[:5] == b"%PDF-"


def test_of_many_promises_a_chart_shows_those_that_are_kept_least(app: Flask, session) -> None:
    columns = (Column("step", CellKind.TEXT), Column("kept_now", CellKind.RATIO))
    rows = [(f"step {number}", Ratio(number, 15)) for number in range(15)]
    steps = Table("by_step", columns, [*rows, ("not judged", Ratio())])
    chart = Chart("by_step", ChartKind.BARS, "by_step", "step", ("kept_now",))

    with in_language("en"):
        [drawn] = charts.drawings(replace(NOTHING, tables=(steps,), charts=(chart,)))

    assert drawn.labels == [f"step {number}" for number in range(10)]
    assert drawn.series[0].texts[0] == "0.0%"
    assert drawn.note == "The 10 lowest of 15."


def test_the_first_sheet_of_a_month_has_its_charts_also_of_many_branches(app: Flask, session) -> None:
    """One line too high, all charts went to the second sheet and half of the first was left empty."""
    columns = (
        Column("branch", CellKind.NAME),
        Column(MeasureCode.CLAIMS_REPORTED),
        Column(MeasureCode.CLAIMS_CLOSED),
        # Broad enough that the sheets lie across.
        *(Column(f"text_{number}", CellKind.TEXT) for number in range(9)),
    )
    rows = [(Name(f"第{number}分公司"), number, 1, *["常用车型配件价格"] * 9) for number in range(1, 14)]
    drawn = (MeasureCode.CLAIMS_REPORTED, MeasureCode.CLAIMS_CLOSED)
    report = replace(
        NOTHING,
        tiles=[tile for tile in EVERY.tiles for _ in range(2)],
        tables=(Table("by_branch", columns, rows),),
        charts=(Chart("by_branch", ChartKind.BARS, "by_branch", "branch", drawn),),
        notes=[f"note_{number}" for number in range(6)],
    )

    with in_language("zh"):
        first = next(extract_pages(io.BytesIO(report_documents.pdf(report))))

    assert "第13分公司" in "".join(one.get_text() for one in _letters([first]))


def test_of_a_crowded_table_on_paper_texts_are_broken_and_numbers_keep_to_their_columns(
    app: Flask, session
) -> None:
    texts = [Column(f"text_{number}", CellKind.TEXT) for number in range(4)]
    moments = [Column(f"at_{number}", CellKind.MOMENT) for number in range(4)]
    row = [
        "CLM-2026-000125",
        *["More open cases than one can handle"] * 4,
        *[AT] * 4,
        "常用车型配件价格按月更新",
    ]
    columns = [
        Column("claim_no", CellKind.TEXT),
        *texts,
        *moments,
        Column("place", CellKind.TEXT, is_wide=True),
    ]
    report = replace(NOTHING, tables=(Table("breaches", columns, [row]),))

    with in_language("en"):
        printed = report_documents.pdf(report)

    letters = list(_letters(extract_pages(io.BytesIO(printed))))
    place = "".join(one.get_text() for one in letters).index("CLM-2026-000125")
    last = letters[place + 14]
    beside = min(one.x0 for one in letters if one.x0 > last.x0 and abs(one.y0 - last.y0) < 10)
    # Each cell keeps three points free on either side.
    assert beside - last.x1 > 5


def _letters(laid_out: Iterable[Any]) -> Iterator[LTChar]:
    for one in laid_out:
        if isinstance(one, LTChar):
            yield one
        elif isinstance(one, LTContainer):
            yield from _letters(one)


@pytest.fixture
def notice(monkeypatch: pytest.MonkeyPatch) -> Notice:
    monkeypatch.setattr("service_desk.services.reports.runs.find_document", lambda run_id: EVERY)
    params = {
        "run_id": 1,
        "report_kind": "quarterly_review",
        "url": "/reports/1",
        "edition": 0,
        "account_name": "郑州集团",
        "account_name_en": "Zhengzhou",
        "period_from": "2026-07-01",
        "period_to": "2026-09-30",
    }
    return Notice(
        kind="report_quarterly_review",
        params=params,
        language="en",
        address="hq@zzly.example",
        recipient_name="周敏",
        user_id=1,
        dedupe_key="x",
    )


def test_a_mail_shows_charts_as_pictures_and_says_their_numbers(
    app: Flask, session, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = mail.render(notice, base_url="https://desk.example")

    assert sent.subject == "Quarterly review, Q3 2026: Zhengzhou"
    assert "85.7% (6/7)" in sent.text
    assert "¥12,345.67" in sent.text
    assert "+14.3 points, better" in sent.text
    assert "https://desk.example/reports/1" in sent.text
    # Who reads the text alone reads of every table what the page of the mail shows, and what it leaves out.
    [line] = [one for one in sent.text.splitlines() if one.startswith("- Gongyi <b>:")]
    for said in (
        "Paid out (CNY) 12,345.67",
        "Closing rate 85.7% (6/7)",
        "Average loss (CNY) 50.01 (average of 2)",
        "Days open 3",
    ):
        assert said in line
    assert "* More columns are in the spreadsheet." in sent.text
    assert [picture.cid for picture in sent.pictures] == ["chart1", "chart2"]
    for picture in sent.pictures:
        drawn = Image.open(io.BytesIO(picture.content))
        assert (drawn.format, drawn.width) == ("PNG", 1344)
        assert 100 < drawn.height < 2000
        assert f'src="cid:{picture.cid}"' in sent.html
    assert re.search(r'alt="[^"]*Gongyi [^"]* 1,234[^"]*"', sent.html)
    assert "<td>Gongyi &lt;b&gt;</td>" in re.sub(r"<td [^>]*>", "<td>", sent.html)
    assert "CLM-2026" not in sent.html
    assert [(part.filename, part.content[:2]) for part in sent.attachments] == [
        ("quarterly-review-20260701-20260930.xlsx", b"PK"),
        ("quarterly-review-20260701-20260930.pdf", b"%P"),
    ]

    # A chat gets the figures alone, and nothing is made that it cannot show.
    monkeypatch.setattr(as_mail, "workbook", None)
    said = mail.words(notice, base_url="https://desk.example")
    assert "85.7% (6/7)" in said.text
    assert "Gongyi" not in said.text
    monkeypatch.undo()
    # More tables than a table has columns, and a total that lacks a figure.
    narrow = EVERY.tables[0]
    narrow = replace(
        narrow, columns=narrow.columns[:3], rows=[row[:3] for row in narrow.rows], total=(None, 1234, None)
    )
    many = replace(EVERY, tables=(narrow,) * 4)
    monkeypatch.setattr("service_desk.services.reports.runs.find_document", lambda run_id: many)

    # A mail server would refuse what is too large: the paper stays behind, with a word.
    notice.language = "zh"
    whole = mail.render(notice, base_url="https://desk.example")
    sheet, paper = (len(part.content) for part in whole.attachments)
    monkeypatch.setattr(as_mail, "_MOST_BYTES", sheet + paper // 2)
    sent = mail.render(notice, base_url="https://desk.example")
    assert [part.filename[-5:] for part in sent.attachments] == [".xlsx"]
    assert sent.text.count("- 合计：报案件数 1,234\n") == 4
    assert "PDF 文件过大" in sent.html
    # Both stay behind when the spreadsheet alone is too much: a mail that arrives is worth more.
    monkeypatch.setattr(as_mail, "_MOST_BYTES", 1000)
    sent = mail.render(notice, base_url="https://desk.example")
    assert sent.attachments == ()
    assert "电子表格和 PDF 文件过大" in sent.html
    assert "季度服务评估报告" in sent.subject


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_mail_of_a_large_account_is_not_cut_off_by_mail_programs(
    app: Flask, session, notice: Notice, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """Six tables of sixty branches each were 366 kB; what is over 102 kB is cut off."""
    monkeypatch.setattr("service_desk.services.reports.runs.find_document", lambda run_id: LARGE)
    notice.language = language

    sent = mail.render(notice, base_url="https://desk.example")

    assert len(sent.html.encode()) < 64_000
    shown = [table.count('<tr align="right"') - 1 for table in sent.html.split("<h2")[1:]]
    assert shown == [45, 45, 45, 45, 20, 10]
    cut = {
        "zh": "此处列出前 10 行，共 60 行；其余见电子表格。",
        "en": "The first 10 of 60 lines; the rest is in the spreadsheet.",
    }
    assert cut[language] in sent.html
    assert cut[language] in sent.text
    assert 'href="https://desk.example/reports/1"' in sent.html
    # Whoever shows no style sheet still sees columns: numbers to the right, names to the left, with space between.
    bare = re.sub(r"<style.*?</style>", "", sent.html, flags=re.DOTALL)
    assert re.search(r'<table class="rows many" cellpadding="5" style="', bare)
    assert re.search(r'<tr align="right"><td align="left">[^<]+</td><td>1,234</td>', bare)


def test_a_reminder_of_a_whole_fleet_is_not_cut_off_either(app: Flask, session) -> None:
    branches = [
        {"branch": f"第{number}汽车客运分公司", "branch_en": f"Branch {number}"} for number in range(41)
    ]
    params = {
        "url": "/renewals",
        "branch": "",
        "day": "2026-11-23",
        "first_day": "2026-11-30",
        "vehicle_count": 500,
        "more": 400,
        "groups": [{**one, "use_class": code, "count": 3} for one in branches for code in UseClass],
        "rows": [
            {**one, "plate": "豫A12345", "line": "ctpl", "last_day": "2026-11-30", "days_left": 7}
            for one in (branches * 3)[:100]
        ],
    }
    notice = Notice(
        kind="renewal_reminder",
        params=params,
        language="zh",
        address="hq@zzly.example",
        recipient_name="周敏",
    )

    assert len(mail.render(notice, base_url="https://desk.example").html.encode()) < 60_000


def test_periods_have_their_names_and_every_kind_of_report_its_own(app: Flask) -> None:
    spans = {
        (date(2026, 1, 1), date(2026, 12, 31)): ("2026", "2026年"),
        (date(2026, 4, 1), date(2026, 6, 30)): ("Q2 2026", "2026年第2季度"),
        (date(2028, 2, 1), date(2028, 2, 29)): ("February 2028", "2028年2月"),
        (date(2026, 11, 16), date(2026, 11, 22)): ("2026-11-16 – 2026-11-22",) * 2,
        (date(2026, 2, 1), date(2026, 4, 30)): ("2026-02-01 – 2026-04-30",) * 2,
    }
    with app.app_context():
        for span, said in spans.items():
            for language, name in zip(("en", "zh"), said, strict=True):
                with in_language(language):
                    assert words.period_words(*span) == name
    assert set(LABELS["report_kind"]) == set(ReportKind)


def test_a_headline_figure_of_a_measure_of_old_is_shown_by_what_was_kept(app: Flask, session) -> None:
    old = replace(EVERY, tiles=[Tile("share_of_old", Ratio(6, 7), Ratio(5, 7)), Tile("sum_of_old", 1234)])
    page = page_of(app, "en", report=old)
    assert "Share of old" in page
    assert "85.7%" in page
    assert "1,234" in page
    assert "+14.3 points" in page
    assert "share_of_old" not in page

    with in_language("en"):
        book = load_workbook(io.BytesIO(report_documents.workbook(old)))
        assert report_documents.mail_parts(old).attachments
    rows = [[str(cell) for cell in row] for row in book.active.values]
    assert [row[0] for row in rows if row[0].startswith(("Share", "Sum"))] == ["Share of old", "Sum of old"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_table_of_a_report_has_a_short_name_for_its_sheet(app: Flask, language: str) -> None:
    with in_language(language):
        names = [tables.sheet_name(Table(code, (), ())) for code in LABELS["report_table"]]
    assert {name for name in names if len(name) > 31 or re.search(r"[\[\]:*?/\\]", name)} == set()
