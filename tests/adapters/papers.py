"""The data of each printed paper in both languages, as presenters hand it over."""

from copy import deepcopy
from typing import Any

from service_desk.adapters.pdf import qr_svg

NUMBER = "POL-2026-001207"
CAPITALS = "人民币肆仟陆佰玖拾元整"

POLICY_LABELS: dict[str, dict[str, str]] = {
    "zh": {
        "policy_number": "保险单号",
        "coverage": "承保险别",
        "limit": "责任限额 / 保险金额",
        "premium": "保险费（元）",
        "premium_total": "保险费合计",
        "in_words": "大写",
        "term": "保险期间",
        "clause_notice": "重要提示",
        "issued_on": "签单日期",
        "issued_by": "经办",
        "seal": "保险人签章",
        "page": "第 {page} 页 共 {pages} 页",
    },
    "en": {
        "policy_number": "Policy number",
        "coverage": "Coverage",
        "limit": "Limit of liability / sum insured",
        "premium": "Premium (CNY)",
        "premium_total": "Total premium",
        "in_words": "In words",
        "term": "Policy period",
        "clause_notice": "Important",
        "issued_on": "Issued on",
        "issued_by": "Issued by",
        "seal": "Seal of the insurer",
        "page": "Page {page} of {pages}",
    },
}

_VEHICLE = ["豫A12D57", "LZYTBTE61N1001850", "YC6L280-50", "宇通 ZK6115BT5Z 大型普通客车", "2022-03-15"]

POLICY: dict[str, dict[str, Any]] = {
    "zh": {
        "insurer_name": "中原财产保险股份有限公司郑州中心支公司",
        "insurer_contact": "郑州市金水区农业路 71 号 · 客服 0371-6000 0000",
        "title": "机动车交通事故责任强制保险单",
        "number": NUMBER,
        "qr_svg": qr_svg(f"https://desk.example/policies/{NUMBER}"),
        "scan_hint": "扫码验真",
        "blocks": [
            {
                "title": "投保人与被保险人",
                "rows": [
                    ["被保险人", "郑州中原运输集团有限公司"],
                    ["统一社会信用代码", "914101007067890123"],
                    ["使用单位", "巩义分公司"],
                    ["联系电话", "0371-6432 1100"],
                    ["地址", "河南省巩义市人民路 18 号", True],
                ],
            },
            {
                "title": "被保险机动车",
                "rows": [
                    ["号牌号码", _VEHICLE[0]],
                    ["车辆识别代号", _VEHICLE[1]],
                    ["厂牌型号", _VEHICLE[3], True],
                    ["发动机号", _VEHICLE[2]],
                    ["使用性质", "营业公路客运"],
                    ["核定载客", "49 人"],
                    ["初次登记日期", _VEHICLE[4]],
                ],
            },
        ],
        "term": "自2026年11月23日零时起至2027年11月22日二十四时止",
        "coverages": [
            {"name": "死亡伤残赔偿限额", "limit": "180,000.00", "premium": ""},
            {"name": "医疗费用赔偿限额", "limit": "18,000.00", "premium": ""},
            {"name": "财产损失赔偿限额", "limit": "2,000.00", "premium": "4,690.00"},
        ],
        "premium_figures": "￥4,690.00",
        "premium_capitals": CAPITALS,
        "extra_rows": [
            ["代收车船税", "￥540.00"],
            ["保险费收据", "REC-2026-000318"],
            ["合同争议解决", "诉讼"],
            ["费率浮动", "A4 · 0%"],
        ],
        "remarks": "本单随统保协议 2026 版签发。",
        "notices": [
            "本保险合同由保险条款、投保单、保险单、批单和特别约定组成，请核对，如有不符立即通知保险人。",
            "发生保险事故后请于 48 小时内报案，并保护好现场；报案可扫描右上角二维码或致电服务台。",
            "车辆转让、使用性质变更或加装改装，应当办理批改手续。",
        ],
        "issued_on": "2026-11-22 17:40",
        "issued_by": "周岚 · 工号 30117",
    },
    "en": {
        "insurer_name": "Zhongyuan Property Insurance Co., Ltd., Zhengzhou",
        "insurer_contact": "71 Nongye Road, Jinshui, Zhengzhou · 0371-6000 0000",
        "title": "Compulsory Traffic Accident Liability Policy",
        "number": NUMBER,
        "qr_svg": qr_svg(f"https://desk.example/policies/{NUMBER}"),
        "scan_hint": "Scan to verify",
        "blocks": [
            {
                "title": "Insured",
                "rows": [
                    ["Insured", "郑州中原运输集团有限公司"],
                    ["Credit code", "914101007067890123"],
                    ["Branch", "巩义分公司"],
                    ["Phone", "0371-6432 1100"],
                    ["Address", "河南省巩义市人民路 18 号", True],
                ],
            },
            {
                "title": "Insured vehicle",
                "rows": [
                    ["Plate", _VEHICLE[0]],
                    ["VIN", _VEHICLE[1]],
                    ["Maker and model", _VEHICLE[3], True],
                    ["Engine number", _VEHICLE[2]],
                    ["Use class", "Intercity coach"],
                    ["Rated seats", "49"],
                    ["First registration", _VEHICLE[4]],
                ],
            },
        ],
        "term": "From 00:00 on 23 November 2026 to 24:00 on 22 November 2027",
        "coverages": [
            {"name": "Death and disability", "limit": "180,000.00", "premium": ""},
            {"name": "Medical expenses", "limit": "18,000.00", "premium": ""},
            {"name": "Property", "limit": "2,000.00", "premium": "4,690.00"},
        ],
        "premium_figures": "¥4,690.00",
        "premium_capitals": CAPITALS,
        "extra_rows": [["Vehicle tax collected", "¥540.00"], ["Premium receipt", "REC-2026-000318"]],
        "notices": [
            "The contract is made of the clauses, the proposal, this policy, endorsements and special terms.",
            "Report an accident within 48 hours and keep the scene as it is.",
        ],
        "issued_on": "2026-11-22 17:40",
        "issued_by": "周岚 · staff 30117",
    },
}


def policies(lang: str, count: int = 1) -> dict[str, Any]:
    """A bundle of policies that differ in their number."""
    bundle = []
    for index in range(count):
        policy = deepcopy(POLICY[lang])
        policy["number"] = NUMBER if count == 1 else f"POL-2026-{index + 1:06}"
        bundle.append(policy)
    return {"lang": lang, "labels": POLICY_LABELS[lang], "policies": bundle}


def settlement(lang: str) -> dict[str, Any]:
    """The calculation sheet of a claim with own damage and third parties."""
    return deepcopy(_SETTLEMENTS[lang])


def receipt(lang: str, items: int = 3) -> dict[str, Any]:
    """A receipt that settles some premiums."""
    data = deepcopy(_RECEIPTS[lang])
    line = "交强险" if lang == "zh" else "CTPL"
    data["items"] = [
        {
            "policy": f"POL-2026-{index + 1:06}",
            "subject": f"豫A12D{index:02}",
            "line": line,
            "amount": "4,690.00",
        }
        for index in range(items)
    ]
    return data


_WORKING = [
    ("min(46,000.00, 18,000.00)", "18,000.00"),
    ("min(12,000.00, 2,000.00)", "2,000.00"),
    ("(46,000.00 − 18,000.00) + (12,000.00 − 2,000.00)", "38,000.00"),
    ("38,000.00 × 70%", "26,600.00"),
    ("min(26,600.00, 1,000,000.00)", "26,600.00"),
    ("min(58,000.00, 260,000.00) − 2,000.00 − 1,500.00", "54,500.00"),
    ("18,000.00 + 2,000.00 + 26,600.00 + 54,500.00", "101,100.00"),
]
_STEPS = {
    "zh": [
        "交强险医疗费用",
        "交强险财产损失",
        "超出交强险限额",
        "按事故责任比例",
        "以责任限额为限",
        "车损核定",
        "赔款合计",
    ],
    "en": [
        "CTPL, medical",
        "CTPL, property",
        "Above the CTPL limits",
        "By fault ratio",
        "Up to the limit",
        "Own damage",
        "Total",
    ],
}
_CLAUSES = {"zh": "商业险 2020 版条款", "en": "Commercial clause 2020"}
_LINES = [
    ("46,000.00", "18,000.00", "", "18,000.00", "", "18,000.00"),
    ("12,000.00", "2,000.00", "", "2,000.00", "", "2,000.00"),
    ("38,000.00", "", "70%", "1,000,000.00", "0%", "26,600.00"),
    ("58,000.00", "", "", "260,000.00", "0%", "54,500.00"),
]
_COVERAGES = {
    "zh": ["交强险 · 医疗费用", "交强险 · 财产损失", "第三者责任险", "车辆损失险"],
    "en": ["CTPL, medical", "CTPL, property", "Third-party liability", "Own damage"],
}
_LINE_KEYS = ("loss", "ctpl_limit", "fault_ratio", "limit", "deductible", "pay")


def _sheet(lang: str, **words: Any) -> dict[str, Any]:
    return {
        "lang": lang,
        "number": "CLM-2026-000007",
        "qr_svg": qr_svg("https://desk.example/claims/CLM-2026-000007"),
        "lines": [
            {"coverage": coverage, **dict(zip(_LINE_KEYS, figures, strict=True))}
            for coverage, figures in zip(_COVERAGES[lang], _LINES, strict=True)
        ],
        "working": [
            {"step": step, "formula": formula, "amount": amount, "clause": _CLAUSES[lang]}
            for step, (formula, amount) in zip(_STEPS[lang], _WORKING, strict=True)
        ],
        "total_figures": "￥101,100.00",
        "total_capitals": "人民币壹拾万零壹仟壹佰元整",
        **words,
    }


_SETTLEMENTS = {
    "zh": _sheet(
        "zh",
        labels={
            "claim_number": "赔案号",
            "lines": "赔款明细",
            "coverage": "险别",
            "loss": "损失金额",
            "ctpl_limit": "交强险限额",
            "fault_ratio": "责任比例",
            "limit": "限额 / 保额",
            "deductible": "免赔",
            "pay": "赔款",
            "working": "理算过程",
            "step": "步骤",
            "formula": "算式",
            "amount": "金额",
            "clause": "依据",
            "total": "赔款合计",
            "in_words": "大写",
            "signatures": "签署",
            "page": "第 {page} 页 共 {pages} 页",
        },
        insurer_name="中原财产保险股份有限公司郑州中心支公司",
        title="机动车辆保险赔款计算书",
        scan_hint="扫码查看赔案",
        blocks=[
            {
                "title": "赔案信息",
                "rows": [
                    ["被保险人", "郑州中原运输集团有限公司"],
                    ["使用单位", "巩义分公司"],
                    ["号牌号码", "豫A12D57"],
                    ["事故责任", "主要责任（70%）"],
                    ["出险时间", "2026-11-18 07:52"],
                    ["报案时间", "2026-11-18 08:05"],
                    ["出险地点", "巩义市 G310 国道与人民路交叉口", True],
                    ["事故经过", "避让行人时与对向小型客车刮碰，双方车辆受损，对方驾驶人受伤送医。", True],
                ],
            },
        ],
        notices=["赔款按条款逐项计算，分以下四舍五入。", "对本计算书有异议，可向服务台提出，由他人复核。"],
        signatures=[
            {"role": "理算", "name": "陈立 · 30122", "date": "2026-11-21"},
            {"role": "核赔", "name": "王敏 · 30105", "date": "2026-11-22"},
            {"role": "被保险人确认", "name": "", "date": ""},
        ],
    ),
    "en": _sheet(
        "en",
        labels={
            "claim_number": "Claim number",
            "lines": "Payment lines",
            "coverage": "Coverage",
            "loss": "Loss",
            "ctpl_limit": "CTPL limit",
            "fault_ratio": "Fault",
            "limit": "Limit / sum insured",
            "deductible": "Deductible",
            "pay": "Payment",
            "working": "Working",
            "step": "Step",
            "formula": "Formula",
            "amount": "Amount",
            "clause": "Source",
            "total": "Total payment",
            "in_words": "In words",
            "signatures": "Signatures",
            "page": "Page {page} of {pages}",
        },
        insurer_name="Zhongyuan Property Insurance Co., Ltd., Zhengzhou",
        title="Motor Claim Settlement Sheet",
        scan_hint="Scan for the claim",
        blocks=[
            {
                "title": "Claim",
                "rows": [
                    ["Insured", "郑州中原运输集团有限公司"],
                    ["Branch", "巩义分公司"],
                    ["Plate", "豫A12D57"],
                    ["Fault", "Main (70%)"],
                    ["Place of loss", "巩义市 G310 国道与人民路交叉口", True],
                ],
            },
        ],
        notices=["Each payment line is rounded to the fen, half up."],
        signatures=[
            {"role": "Calculated by", "name": "陈立 · 30122", "date": "2026-11-21"},
            {"role": "Approved by", "name": "", "date": ""},
        ],
    ),
}

_RECEIPTS = {
    "zh": {
        "lang": "zh",
        "labels": {
            "receipt_number": "收据号",
            "policy": "保险单号",
            "subject": "号牌号码",
            "line": "险种",
            "amount": "金额（元）",
            "total": "实收合计",
            "in_words": "大写",
            "seal": "收款人签章",
            "page": "第 {page} 页 共 {pages} 页",
        },
        "insurer_name": "中原财产保险股份有限公司郑州中心支公司",
        "title": "保险费收据",
        "number": "REC-2026-000318",
        "qr_svg": qr_svg("https://desk.example/receipts/REC-2026-000318"),
        "rows": [
            ["交款单位", "郑州中原运输集团有限公司巩义分公司", True],
            ["收款日期", "2026-11-22"],
            ["收款方式", "银行转账"],
        ],
        "total_figures": "￥14,070.00",
        "total_capitals": "人民币壹万肆仟零柒拾元整",
        "notices": ["本收据不作税务报销凭证，发票另行开具。"],
    },
    "en": {
        "lang": "en",
        "labels": {
            "receipt_number": "Receipt number",
            "policy": "Policy",
            "subject": "Plate",
            "line": "Line",
            "amount": "Amount (CNY)",
            "total": "Received",
            "in_words": "In words",
            "seal": "Received by",
            "page": "Page {page} of {pages}",
        },
        "insurer_name": "Zhongyuan Property Insurance Co., Ltd., Zhengzhou",
        "title": "Premium Receipt",
        "number": "REC-2026-000318",
        "rows": [
            ["Received from", "郑州中原运输集团有限公司巩义分公司", True],
            ["Received on", "2026-11-22"],
            ["Method", "Bank transfer"],
        ],
        "total_figures": "¥14,070.00",
        "total_capitals": "人民币壹万肆仟零柒拾元整",
        "notices": ["This receipt is no tax invoice."],
    },
}
