"""The data of an endorsement's paper in both languages, as presenters hand it over."""

from typing import Any

from service_desk.adapters.pdf import qr_svg
from tests.adapters.papers import POLICY

NUMBER = "END-2027-000031"

_LABELS: dict[str, dict[str, str]] = {
    "zh": {
        "endorsement_number": "批单号",
        "effective": "生效时间",
        "changes": "批改内容",
        "subject": "批改项目",
        "before": "批改前",
        "after": "批改后",
        "working": "保险费计算过程",
        "step": "环节",
        "formula": "算式",
        "amount": "结果",
        "clause": "依据",
        "in_words": "大写",
        "clause_notice": "重要提示",
        "issued_on": "签单日期",
        "issued_by": "经办",
        "seal": "保险人签章",
        "page": "第 {page} 页 共 {pages} 页",
    },
    "en": {
        "endorsement_number": "Endorsement number",
        "effective": "Takes effect",
        "changes": "What is changed",
        "subject": "Subject",
        "before": "So far",
        "after": "From now on",
        "working": "How the premium comes about",
        "step": "Step",
        "formula": "How",
        "amount": "Result",
        "clause": "Rule",
        "in_words": "In words",
        "clause_notice": "Important",
        "issued_on": "Issued on",
        "issued_by": "Issued by",
        "seal": "Seal of the insurer",
        "page": "Page {page} of {pages}",
    },
}

_WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "title": "批单",
        "subtitle": "增加险种",
        "scan_hint": "扫码查看批单",
        "effective": "自 2027-03-03 09:00 起",
        "changes": [{"name": "车辆损失险", "before": "未投保", "after": "¥780,000.00"}],
        "steps": ("剩余天数", "补收保险费"),
        "clause": "按日比例",
        "sum_label": "补收保险费",
        "extra_rows": [["原因", "客户申请", True], ["应交日期", "2027-03-10"]],
        "notices": ["本批单为保险单的组成部分，未变更的内容仍按原保险单约定执行。"],
    },
    "en": {
        "title": "Endorsement",
        "subtitle": "Cover added",
        "scan_hint": "Scan to open the endorsement",
        "effective": "From 2027-03-03 09:00",
        "changes": [{"name": "Own damage", "before": "not insured", "after": "¥780,000.00"}],
        "steps": ("Days that remain", "Additional premium"),
        "clause": "By the day",
        "sum_label": "Additional premium",
        "extra_rows": [["Reason", "asked by the client", True], ["Due on", "2027-03-10"]],
        "notices": ["This endorsement is part of the policy; all that it does not change stays as agreed."],
    },
}


def endorsement(lang: str) -> dict[str, Any]:
    """Own damage added to a policy with 265 of 365 days left."""
    words = dict(_WORDS[lang])
    first, last = words.pop("steps")
    clause = words.pop("clause")
    return {
        "lang": lang,
        "labels": _LABELS[lang],
        "insurer_name": POLICY[lang]["insurer_name"],
        "number": NUMBER,
        "qr_svg": qr_svg(f"https://desk.example/endorsements/{NUMBER}"),
        "blocks": POLICY[lang]["blocks"],
        "working": [
            {"step": first, "formula": "265 ÷ 365", "amount": "265", "clause": clause},
            {
                "step": last,
                "formula": "(14,340.00 − 6,540.00) × 265 ÷ 365",
                "amount": "5,663.01",
                "clause": clause,
            },
        ],
        "sum_figures": "¥5,663.01",
        "sum_capitals": "人民币伍仟陆佰陆拾叁元零壹分",
        "issued_on": "2027-03-03 09:00",
        "issued_by": "李静 · 1024",
        **words,
    }
