"""What the columns of a client's list of outstanding claims may hold, and the many names of each."""

from enum import StrEnum

from service_desk.rules.fleet_list.header import Vocabulary, fields_by_word


class Field(StrEnum):
    """What a column of such a list may hold. The last four are only shown."""

    CLAIM_NO = "claim_no"
    REPORT_NO = "report_no"
    PLATE = "plate"
    LOSS_ON = "loss_on"
    ESTIMATE = "estimate"
    OUTSTANDING = "outstanding"
    STATE = "state"
    BRANCH = "branch"
    POLICY_NO = "policy_no"
    DRIVER = "driver"
    PLACE = "place"
    REPORTED_ON = "reported_on"


HEADER_WORDS: dict[Field, tuple[str, ...]] = {
    Field.CLAIM_NO: (
        "立案号",
        "赔案号",
        "赔案编号",
        "案件号",
        "案件编号",
        "案号",
        "理赔编号",
        "立案编号",
        "赔案号码",
        "理赔案号",
        "CLAIMNO",
        "CLAIMNO.",
        "CLAIMNUMBER",
    ),
    Field.REPORT_NO: (
        "报案号",
        "报案编号",
        "报案号码",
        "保险公司报案号",
        "报案受理号",
        "REPORTNO",
        "REPORTNO.",
        "REPORTNUMBER",
    ),
    Field.PLATE: (
        "车牌号",
        "号牌号码",
        "牌照号",
        "车号",
        "车牌",
        "车牌号码",
        "牌照",
        "号牌",
        "标的车牌",
        "标的车",
        "出险车辆",
        "车辆",
        "车辆号牌",
        "标的车牌号",
        "PLATE",
    ),
    Field.LOSS_ON: (
        "出险日期",
        "出险时间",
        "事故日期",
        "事故时间",
        "出险日",
        "发生日期",
        "事故发生日期",
        "事故发生时间",
        "肇事日期",
        "DATEOFLOSS",
        "LOSSDATE",
    ),
    Field.ESTIMATE: (
        "估损金额",
        "估损",
        "估计损失",
        "报损金额",
        "预估金额",
        "预估损失",
        "立案金额",
        "损失金额",
        "估损(元)",
        "估损金额(元)",
        "估损金额(万元)",
        "ESTIMATE",
    ),
    Field.OUTSTANDING: (
        "未决金额",
        "未决估损",
        "未决赔款",
        "未付金额",
        "未赔金额",
        "未结金额",
        "未决金额(元)",
        "未决金额(万元)",
        "OUTSTANDING",
    ),
    Field.STATE: (
        "案件状态",
        "状态",
        "进度",
        "处理进度",
        "案件进度",
        "目前进展",
        "当前状态",
        "办理情况",
        "处理情况",
        "STATUS",
        "STATE",
    ),
    Field.BRANCH: (
        "所属分公司",
        "单位",
        "使用单位",
        "所属单位",
        "分公司",
        "使用部门",
        "部门",
        "公司",
        "BRANCH",
    ),
    Field.POLICY_NO: ("保单号", "保单号码", "保险单号"),
    Field.DRIVER: ("驾驶员", "司机", "驾驶人", "驾驶员姓名", "当事人", "DRIVER"),
    Field.PLACE: ("出险地点", "事故地点", "地点", "PLACE"),
    Field.REPORTED_ON: ("报案日期", "报案时间", "REPORTED"),
}

OUTSTANDING_WORDS = Vocabulary(
    fields_by_word(HEADER_WORDS), needs=((Field.PLATE, Field.CLAIM_NO, Field.REPORT_NO),)
)
