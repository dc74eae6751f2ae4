"""Printed papers: JSON in, PDF out, by the Typst templates beside this module.

Everything a reader sees, labels too, comes in through the data; so the caller chooses the language, and no
user's text is ever read as a template. All values are text made ready for print, unless said otherwise.
Values marked * may be missing or empty; their line or block is then left out.

Each template takes `lang` (`zh` or `en`) and `labels`, and `watermark`* (printed across each page).
`labels.page` is a pattern with `{page}` and `{pages}`: `第 {page} 页 共 {pages} 页`.
A `rows` value is a list of `[label, text]` pairs, printed two to a line; a pair with a third value, true, takes
the whole line.

`policy`: one policy or many, each on pages of its own with its own page count.
    labels: policy_number, coverage, limit, premium, premium_total, in_words, term, clause_notice, issued_on,
        issued_by, seal; with endorsements: endorsements, endorsement, effective, change
    policies[]: insurer_name, insurer_contact*, title, subtitle*, number, qr_svg* (see `qr_svg`), scan_hint*
        blocks[] {title, rows}: the insured, the vehicle …
        term: "自2026年11月23日零时起至2027年11月22日二十四时止"
        coverages[] {name, limit, premium}
        premium_figures: "￥4,690.00", premium_capitals: "人民币肆仟陆佰玖拾元整"
        extra_rows* (tax, receipt, dispute …), notices[] (clause notice, printed as a numbered list)
        endorsements*[] {number, effective, what, premium}
        issued_on, issued_by, remarks*

`endorsement`: an endorsement of a policy, or its cancellation.
    labels: endorsement_number, effective, changes, subject, before, after, working, step, formula, amount, clause,
        in_words, clause_notice, issued_on, issued_by, seal
    insurer_name, title, subtitle*, number, qr_svg*, scan_hint*
    blocks[] {title, rows}: the policy, the vehicle
    effective: "自2026年6月1日 00:00 起"
    changes[] {name, before, after}, working[] {step, formula, amount, clause}: either may be empty
    sum_label, sum_figures, sum_capitals, extra_rows (reason, due …), notices[], issued_on, issued_by

`settlement`: the calculation sheet of a claim.
    labels: claim_number, lines, coverage, loss, ctpl_limit, fault_ratio, limit, deductible, pay, working, step,
        formula, amount, clause, total, in_words, signatures; with recoveries: recoveries, recovery, from; with
        versions: versions, version, calculated, approved, difference
    insurer_name, title, number, qr_svg*, scan_hint*
    blocks[] {title, rows}
    lines[] {coverage, parts*, loss, ctpl_limit, fault_ratio, limit, deductible, pay}: empty text where there is none
    working[] {step, formula, amount, clause}
    recoveries*[] {kind, from, amount}, versions*[] {version, calculated, approved, total, difference}
    total_figures, total_capitals, notices[]
    signatures[] {role, name, date}: empty text leaves room to sign

`receipt`: a receipt for premium received, on A5 across.
    labels: receipt_number, policy, subject, line, amount, total, in_words, seal
    insurer_name, title, number, qr_svg*, scan_hint*
    rows: payer, method, received on, cashier …
    items[] {policy, subject, line, amount}
    total_figures, total_capitals, notices[]

`price_table`: classes and bands down, cover sets across, one page when it fits.
    labels: class, band
    insurer_name, title, subtitle, made_on, notices[]
    groups[] {name, span}: the lines over their columns; columns[] {name, limits}
    rows[] {class, span, band, cells[] {premium, note}}: `span` rows share a class, 0 in those after the first

`quote`: a quote sheet, A4 across.
    labels: quote_number, total, in_words, vehicle, vehicles, branch, class, line, tax, sum, reason, refused
    insurer_name, title, number, qr_svg*, scan_hint*, rows, total_figures, total_capitals, notices[]
    totals[] {title, heads[4], rows[][4]}
    line_heads[]; vehicles[] {plate, branch, class, lines[] {premium, note}, tax, sum}
    refused[][4]: vehicle, branch, line, reason

`sheet`: a letter or a statement.
    labels: number
    insurer_name, title, subtitle*, number, qr_svg*, scan_hint*
    rows: whose, which period …
    paragraphs*[]
    tables[] {title, columns[] {heading, wide*, end*}, rows[][], total*[]}: `wide` takes what room is left, `end`
        stands at the right
    notices*[], signatures[]: who signs
`card`: certificate cards, eight to a sheet with cut marks.
    labels: title, vin, cover, number, term
    cards[] {insurer_name, plate, vin, detail, covers[] {name, number, term}, note, phone (empty text: none),
        qr_svg*, scan_hint*}: at most four covers fit

`delivery`: the sheet a delivery run is made with.
    labels: run_number, position, paper, number, plate, line, received, signatures (three)
    insurer_name, title, number, qr_svg*, scan_hint*
    rows, items[] {paper, number, plate, line}: empty text where there is none
    summary, notices[]

`report`: the figures of an account's period, A4 upright or across; charts as in `chart`, each with `summary`: its
    figures in words, for who does not see it.
    labels: nothing (an empty table), signatures, signed (under each line to sign on)
    insurer_name, title, account, period, facts[][label, text], flipped (across), notes[], signatures[]: who signs
    tiles[] {name, text, lines[]}, charts[]
    tables[] {title, size (of letters, pt), note: empty text for none,
        columns[] {heading, end, width (points)}
        rows[][], total[]: cells {text, parts[]}; no total: an empty list}

`chart`: one chart, for `chart_png`. No labels.
    chart: {title, kind (`bars` or `line`), labels[], series[] {name, values[] (numbers, null for none), texts[]}, at
        most four of one unit, low and high (numbers: the ends of the scale), scale[3]: words of its marks, note}
"""

import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pylopdf_fonts_zh_cn
import segno
import typst

TEMPLATES = Path(__file__).parent / "typst"
# Of a picture 420 points wide, as `chart.typ` draws it.
_PICTURE_PIXELS, _PICTURE_INCHES = 672, 420 / 72


class _Settings:
    """Where fonts are looked for before the bundled ones. Set once, when the app is built."""

    font_dir: Path | None = None


class _OwnCompilers(threading.local):
    """A compiler for each thread: a shared one answers "Already borrowed"."""

    def __init__(self) -> None:
        self.by_font_dir: dict[Path | None, typst.Compiler] = {}


_own = _OwnCompilers()


def use_font_dir(directory: Path | None) -> None:
    """Look for fonts in a folder first; None: only the bundled Noto Sans SC and Noto Serif SC.

    Fonts there are used when their family bears the same names.
    """
    _Settings.font_dir = directory


def render(template: str, data: Mapping[str, Any], *, tagged: bool = True) -> bytes:
    """Print one of the papers above; FileNotFoundError for a template there is not.

    A key that a template needs and the data lacks raises typst.TypstError: a fault of the caller's code.
    `tagged` writes the structure that screen readers use; a bundle that is only printed is a quarter of the
    size without it. A page takes about 2 ms and 0.7 MB of memory: print thousands in several bundles.
    """
    path = TEMPLATES / f"{template}.typ"
    if not path.is_file():
        raise FileNotFoundError(path.name)
    printed = _compiler().compile(
        input=str(path),
        format="pdf",
        pdf_tags=tagged,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    return cast(bytes, printed)


def chart_png(data: Mapping[str, Any], *, scale: float = 2) -> bytes:
    """A chart as a picture 672 pixels wide, `scale` times as many for screens with more; data as of `chart`."""
    drawn = _compiler().compile(
        input=str(TEMPLATES / "chart.typ"),
        format="png",
        ppi=_PICTURE_PIXELS / _PICTURE_INCHES * scale,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    return cast(bytes, drawn)


def qr_svg(content: str) -> str:
    """A QR code as SVG text, for `qr_svg` of a template. No quiet zone: the templates leave room."""
    out = io.BytesIO()
    # Every reader takes every mask. To try all eight for the prettiest would be most of what a bundle costs.
    segno.make(content, error="m", micro=False, mask=3).save(
        out, kind="svg", border=0, xmldecl=False, nl=False, dark="#1b2430"
    )
    return out.getvalue().decode()


def _compiler() -> typst.Compiler:
    font_dir = _Settings.font_dir
    compiler = _own.by_font_dir.get(font_dir)
    if compiler is None:
        compiler = _own.by_font_dir[font_dir] = _new_compiler(font_dir)
    return compiler


def _new_compiler(font_dir: Path | None) -> typst.Compiler:
    bundled = pylopdf_fonts_zh_cn.sans_path().parent
    folders = [str(folder) for folder in (font_dir, bundled) if folder is not None]
    # System fonts differ from machine to machine; a policy must not.
    return typst.Compiler(root=str(TEMPLATES), font_paths=folders, ignore_system_fonts=True)
