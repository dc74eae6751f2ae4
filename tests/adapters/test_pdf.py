"""The printed papers: their text in both languages, page counts, bundles, and text that looks like a template."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import pytest
import typst
from pdfminer.high_level import extract_pages, extract_text
from pdfminer.layout import LTPage, LTTextContainer
from pdfminer.pdfpage import PDFPage

from service_desk.adapters import pdf
from service_desk.config import ConfigError, load_config
from tests.adapters import endorsement_papers, papers


def text_of(printed: bytes) -> str:
    """The text of a paper without blanks: a PDF keeps places of letters, not spaces."""
    return "".join(extract_text(io.BytesIO(printed)).split())


def pages_of(printed: bytes) -> list[str]:
    return ["".join(_page_text(page).split()) for page in extract_pages(io.BytesIO(printed))]


def _page_text(page: LTPage) -> str:
    return "".join(box.get_text() for box in page if isinstance(box, LTTextContainer))


def strings_in(value: Any) -> list[str]:
    """Every text of a paper's data that must be found on paper."""
    if isinstance(value, dict):
        hidden = {"lang", "labels", "qr_svg"}
        return [text for key, part in value.items() if key not in hidden for text in strings_in(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings_in(part)]
    return [value] if isinstance(value, str) else []


PAPERS = {
    "policy": papers.policies,
    "settlement": papers.settlement,
    "receipt": papers.receipt,
    "endorsement": endorsement_papers.endorsement,
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("template", PAPERS)
def test_paper_shows_every_text_and_label_it_was_given(template: str, lang: str) -> None:
    data = PAPERS[template](lang)
    found = text_of(pdf.render(template, data))
    labels = [label for name, label in data["labels"].items() if name != "page"]
    missing = [text for text in [*strings_in(data), *labels] if "".join(text.split()) not in found]
    assert missing == []


def test_policy_states_term_amount_in_capitals_and_plate_without_inner_space() -> None:
    found = extract_text(io.BytesIO(pdf.render("policy", papers.policies("zh"))))
    assert "自2026年11月23日零时起至2027年11月22日二十四时止" in found
    assert "人民币肆仟陆佰玖拾元整" in found
    assert "豫A12D57" in found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_policy_lists_its_endorsements(lang: str) -> None:
    data = papers.policies(lang)
    names = {"endorsements": "批单", "endorsement": "批单号", "effective": "生效时间", "change": "批改内容"}
    data["labels"] |= names
    row = {
        "number": "END-2027-000031",
        "effective": "2027-03-03 09:00",
        "what": "变更车牌号",
        "premium": "0.00",
    }
    data["policies"][0]["endorsements"] = [row]
    found = text_of(pdf.render("policy", data))
    assert all("".join(text.split()) in found for text in [*row.values(), *names.values()])


def test_settlement_sheet_lists_shares_recoveries_and_versions() -> None:
    data = papers.settlement("zh")
    names = {
        "recoveries": "事后追偿",
        "recovery": "追偿",
        "from": "追偿对象",
        "versions": "版本",
        "version": "版本号",
        "calculated": "已理算",
        "approved": "已核赔",
        "difference": "差异",
    }
    data["labels"] |= names
    data["lines"][0]["parts"] = "李秀英 7,500.00"
    data["recoveries"] = [{"kind": "代位求偿", "from": "赵某", "amount": "5,600.00"}]
    row = {
        "version": "2",
        "calculated": "2026-11-28",
        "approved": "—",
        "total": "8,100.00",
        "difference": "−700.00",
    }
    data["versions"] = [row]
    found = text_of(pdf.render("settlement", data))
    wanted = [
        "李秀英 7,500.00",
        *names.values(),
        *data["recoveries"][0].values(),
        *row.values(),
    ]
    assert [text for text in wanted if "".join(text.split()) not in found] == []


def _growing(template: str, count: int) -> dict[str, Any]:
    """A paper with so many rows more, and its last notice, which is looked for above the signatures."""
    if template == "policy":
        data = papers.policies("en")
        part, rows = data["policies"][0], "coverages"
    else:
        data = papers.settlement("en") if template == "settlement" else endorsement_papers.endorsement("en")
        part, rows = data, "working"
    part[rows] = (part[rows] * 40)[:count]
    part["notices"] = ["First.", "Last."]
    return data


@pytest.mark.parametrize("template", ["settlement", "endorsement", "policy"])
def test_what_is_signed_stands_below_words_and_never_alone_on_a_page(template: str) -> None:
    lengths = set()
    for count in range(7, 17):
        pages = pages_of(pdf.render(template, _growing(template, count)))
        lengths.add(len(pages))
        assert "Last." in pages[-1], count
    assert len(lengths) > 1, "no row was the one too many"


def test_endorsement_without_premium_has_no_working() -> None:
    data = endorsement_papers.endorsement("zh") | {"working": []}
    assert "剩余天数" not in text_of(pdf.render("endorsement", data))


def test_english_paper_keeps_chinese_names() -> None:
    found = text_of(pdf.render("policy", papers.policies("en")))
    assert "郑州中原运输集团有限公司" in found
    assert "Page1of1" in found


def test_bundle_counts_the_pages_of_each_policy_from_one() -> None:
    data = papers.policies("zh", count=3)
    data["policies"][1]["notices"] = [f"特别约定第{number}项：车辆应当按期检验。" for number in range(1, 90)]
    pages = pages_of(pdf.render("policy", data))
    feet = [page[page.rindex("第") :] for page in pages]
    assert feet == [
        "第1页共1页",
        *(f"第{n}页共{len(pages) - 2}页" for n in range(1, len(pages) - 1)),
        "第1页共1页",
    ]
    assert len(pages) > 3
    assert all(f"POL-2026-{number:06}" in pages[index] for number, index in ((1, 0), (2, 1), (2, 2), (3, -1)))


def test_long_receipt_goes_on_under_its_heads() -> None:
    pages = pages_of(pdf.render("receipt", papers.receipt("zh", items=40)))
    assert len(pages) > 2
    assert all("保险单号" in page for page in pages if "POL-2026" in page)
    assert "实收合计" in pages[-1]


def test_policy_is_a4_and_receipt_a5_across() -> None:
    sizes = []
    for template in ("policy", "receipt"):
        page = next(PDFPage.get_pages(io.BytesIO(pdf.render(template, PAPERS[template]("zh")))))
        sizes.append([round(side) for side in page.mediabox[2:]])
    assert sizes == [[595, 842], [595, 420]]


HOSTILE = '#read("house.typ") *x* _y_ $z$ <b> "q" \\ @a `c` // end -- \' [d] ={e}'


def test_text_that_looks_like_a_template_is_printed_as_it_is() -> None:
    data = papers.policies("zh")
    data["policies"][0]["remarks"] = HOSTILE
    data["policies"][0]["blocks"][0]["rows"][0][1] = "#panic()"
    found = text_of(pdf.render("policy", data))
    assert "".join(HOSTILE.split()) in found
    assert "#panic()" in found


def test_line_breaks_and_control_characters_do_not_stop_the_printer() -> None:
    data = papers.policies("zh")
    data["policies"][0]["remarks"] = "一行\n二行\t\x07\u200b\U0001f68c完"
    found = text_of(pdf.render("policy", data))
    assert "一行" in found
    assert "二行" in found


def test_optional_parts_may_be_left_out() -> None:
    data = papers.policies("zh")
    for name in ("qr_svg", "scan_hint", "extra_rows", "remarks", "insurer_contact"):
        del data["policies"][0][name]
    assert "扫码验真" not in text_of(pdf.render("policy", data))


def test_watermark_is_printed_on_each_page() -> None:
    data = papers.policies("zh", count=2) | {"watermark": "样张"}
    printed = pdf.render("policy", data)
    assert "".join(pages_of(printed)).count("样") == 2


def test_same_data_prints_the_same_bytes() -> None:
    data = papers.settlement("zh")
    assert pdf.render("settlement", data) == pdf.render("settlement", data)


def test_missing_required_value_is_an_error_and_not_an_empty_place() -> None:
    data = papers.policies("zh")
    del data["policies"][0]["term"]
    with pytest.raises(typst.TypstError, match="term"):
        pdf.render("policy", data)


def test_unknown_template_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        pdf.render("invoice", {})


def test_threads_print_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        printed = list(pool.map(lambda _: pdf.render("receipt", papers.receipt("zh")), range(24)))
    assert all("保险费收据" in text_of(paper) for paper in printed[:4])
    assert len(set(printed)) == 1


def test_font_folder_is_looked_in_first(tmp_path: Path) -> None:
    serif = pylopdf_fonts_zh_cn.serif_path()
    (tmp_path / serif.name).symlink_to(serif)
    pdf.use_font_dir(tmp_path)
    try:
        assert "保险费收据" in text_of(pdf.render("receipt", papers.receipt("zh")))
    finally:
        pdf.use_font_dir(None)


def test_font_folder_that_does_not_exist_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PDF_FONT_DIR: there is no folder"):
        load_config({"PDF_FONT_DIR": str(tmp_path / "nowhere")}, root=tmp_path)


def test_fonts_are_embedded_as_subsets() -> None:
    printed = pdf.render("policy", papers.policies("zh"))
    assert b"NotoSansSC" in printed
    assert len(printed) < 150_000


def test_qr_code_is_svg_without_declaration() -> None:
    svg = pdf.qr_svg("https://desk.example/policies/POL-2026-000001?来源=保单")
    assert svg.startswith("<svg")
