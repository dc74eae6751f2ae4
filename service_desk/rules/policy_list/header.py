"""What the headings of policy lists are called, and what the word for a kind of insurance means."""

import re

from service_desk.rules.fleet_list.header import Vocabulary, fields_by_word
from service_desk.rules.policy_list.facts import BESIDE_EACH_OTHER, Field
from service_desk.rules.vocabulary import CoverCode, PolicyLine

_NUMBER = (
    "保单号",
    "保单号码",
    "保险单号",
    "保险单号码",
    "保险单编号",
    "保单编号",
    "保险凭证号",
)
_STARTS_ON = (
    "起保日期",
    "保险起期",
    "起期",
    "生效日期",
    "起保时间",
    "保险起始日期",
    "起始日期",
    "保险起日",
    "起保日",
    "起保",
    "起",
)
_ENDS_ON = (
    "终保日期",
    "保险止期",
    "止期",
    "到期日期",
    "到期日",
    "终保时间",
    "保险终止日期",
    "终止日期",
    "保险止日",
    "终保日",
    "终保",
    "到期",
    "止",
)
_PREMIUM = ("保费", "保险费", "签单保费", "应收保费", "实际保费", "保费金额")

HEADER_WORDS: dict[Field, tuple[str, ...]] = {
    Field.NUMBER: _NUMBER,
    Field.INSURER: ("保险公司", "承保公司", "承保单位", "保险人", "承保保险公司", "承保机构"),
    Field.LINE: ("险种", "险别", "险类", "险种名称", "保险种类", "承保险种", "保险险种"),
    Field.PLATE: ("车牌号", "号牌号码", "牌照号", "车号", "车牌", "车牌号码", "牌照", "号牌"),
    Field.VIN: (
        "车架号",
        "车辆识别代号",
        "车辆识别代码",
        "识别代码",
        "车架",
        "VIN码",
        "VIN",
        "VIN号",
        "车架号后六位",
        "车架号后6位",
        "车架号(后6位)",
    ),
    Field.STARTS_ON: _STARTS_ON,
    Field.ENDS_ON: _ENDS_ON,
    Field.PREMIUM: _PREMIUM,
    Field.TAX: ("车船税", "代收车船税", "车船使用税", "代缴车船税"),
    Field.TPL_LIMIT: (
        "三者限额",
        "三者险限额",
        "三者保额",
        "三者险保额",
        "三责限额",
        "三责险限额",
        "第三者限额",
        "第三者责任限额",
        "第三者责任险限额",
        "商业三者限额",
    ),
    Field.SUM_INSURED: ("车损保额", "车损险保额", "车损保险金额", "车损险保险金额", "车辆损失险保额"),
    Field.SEAT_LIMIT: (
        "每座限额",
        "每座责任限额",
        "每座保额",
        "承运人每座限额",
        "座位限额",
        "承运人险每座限额",
    ),
    Field.LIMIT: ("保额", "限额", "保险金额", "责任限额", "保险金额/责任限额", "保额/限额", "限额/保额"),
    Field.UNPAID: ("未收保费", "欠费", "欠缴保费", "未缴保费", "未付保费", "未收"),
    Field.PAID: ("已收保费", "实收保费", "已缴保费", "已付保费", "已收"),
    Field.BRANCH: ("所属分公司", "单位", "使用单位", "所属单位", "分公司", "使用部门"),
    Field.USE_CLASS: ("使用性质", "车辆性质"),
    Field.SEATS: ("核定载客", "座位数", "座位"),
    Field.LOAD_T: ("核定载质量", "吨位"),
    Field.MODEL: ("厂牌型号", "车型"),
    Field.ENGINE_NO: ("发动机号", "发动机号码", "发动机号(码)"),
    Field.REGISTERED_ON: ("初次登记日期", "初登日期", "上牌日期"),
}

_GROUPS = {
    PolicyLine.CTPL: ("交强险", "交强", "机动车交通事故责任强制保险"),
    PolicyLine.COMMERCIAL: ("商业险", "商业", "商业保险", "机动车商业保险"),
    PolicyLine.CARRIER_LIABILITY: ("承运人责任险", "承运人险", "承运险", "承运人", "道路客运承运人责任险"),
}


def _of_lines() -> dict[str, Field]:
    """The headings that name a line and a fact of its policy: 交强险 over 保单号 is 交强险保单号."""
    found: dict[str, Field] = {}
    for columns in BESIDE_EACH_OTHER:
        parts = (
            (columns.number, _NUMBER),
            (columns.starts_on, _STARTS_ON),
            (columns.ends_on, _ENDS_ON),
            (columns.premium, _PREMIUM),
        )
        for group in _GROUPS[columns.line] if columns.line else ():
            for field, words in parts:
                found |= {f"{group}{word}": field for word in words}
    return found


POLICY_WORDS = Vocabulary(
    fields_by_word(HEADER_WORDS) | _of_lines(),
    needs=(
        (Field.PLATE, Field.VIN),
        (Field.NUMBER, *(columns.number for columns in BESIDE_EACH_OTHER)),
    ),
    groups=frozenset(word for words in _GROUPS.values() for word in words),
)

_OWN_DAMAGE = re.compile("车损|车辆损失|机动车损失")
_THIRD_PARTY = re.compile("三者|三责")


def line_of(text: str) -> tuple[PolicyLine, tuple[CoverCode, ...]] | None:
    """The line a word for a kind of insurance means, and the covers it names; None for an unknown word.

    商业险 names no cover of its own, 第三者责任险 one of the commercial line.
    """
    if "交强" in text or "强制" in text:
        return PolicyLine.CTPL, ()
    if "承运" in text:
        return PolicyLine.CARRIER_LIABILITY, ()
    covers: tuple[CoverCode, ...] = ()
    if _THIRD_PARTY.search(text):
        covers = (CoverCode.TPL,)
    if _OWN_DAMAGE.search(text):
        covers = (*covers, CoverCode.OWN_DAMAGE)
    if covers or "商业" in text or "综合" in text:
        return PolicyLine.COMMERCIAL, covers
    return None
