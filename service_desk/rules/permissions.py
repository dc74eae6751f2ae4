"""Who may do what, and how far they see: role x action -> scope. The only place that decides it."""

from enum import StrEnum


class Role(StrEnum):
    """The people of product.md. The last two sit at the client."""

    ADMIN = "admin"
    MANAGER = "manager"
    UNDERWRITER = "underwriter"
    CLAIMS = "claims"
    GROUP_INSURANCE = "group_insurance"
    BRANCH_SAFETY = "branch_safety"


class Side(StrEnum):
    INSURER = "insurer"
    CLIENT = "client"


class Scope(StrEnum):
    """How far a permission reaches."""

    ALL = "all"
    OWN_ACCOUNTS = "own_accounts"
    OWN_BRANCHES = "own_branches"


class Action(StrEnum):
    MANAGE_USERS = "manage_users"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_SETTINGS = "manage_settings"
    READ_AUDIT = "read_audit"
    READ_FLEET = "read_fleet"
    IMPORT_FLEET = "import_fleet"
    EDIT_VEHICLES = "edit_vehicles"
    QUOTE = "quote"
    ISSUE_POLICIES = "issue_policies"
    READ_POLICIES = "read_policies"
    READ_PREMIUMS = "read_premiums"
    RECEIVE_PREMIUM = "receive_premium"
    RELEASE_CREDIT = "release_credit"
    READ_RENEWALS = "read_renewals"
    RECORD_RENEWALS = "record_renewals"
    CHASE_COVER = "chase_cover"
    REQUEST_VEHICLE = "request_vehicle"
    APPROVE_VEHICLE_REQUEST = "approve_vehicle_request"
    REPORT_CLAIM = "report_claim"
    READ_CLAIMS = "read_claims"
    HANDLE_CLAIMS = "handle_claims"
    ASSIGN_CLAIMS = "assign_claims"
    APPROVE_CLAIMS = "approve_claims"
    PAY_CLAIMS = "pay_claims"
    UPLOAD_CLAIM_DOCUMENTS = "upload_claim_documents"
    RAISE_DISPUTES = "raise_disputes"
    COMPARE_OUTSTANDING = "compare_outstanding"
    RECORD_RECOVERIES = "record_recoveries"
    WRITE_OFF_RECOVERIES = "write_off_recoveries"
    READ_CLOCKS = "read_clocks"
    MANAGE_CLOCKS = "manage_clocks"
    REVIEW_BREACHES = "review_breaches"
    READ_COMPLIANCE = "read_compliance"
    CORRECT_CLOCKS = "correct_clocks"
    OBJECT_TO_PAUSES = "object_to_pauses"
    PLAN_ABSENCES = "plan_absences"
    LOG_ENQUIRY = "log_enquiry"
    READ_ENQUIRIES = "read_enquiries"
    ANSWER_ENQUIRIES = "answer_enquiries"
    READ_REPORTS = "read_reports"
    RUN_REPORTS = "run_reports"
    EDIT_SCHEDULES = "edit_schedules"
    READ_DELIVERY_LOG = "read_delivery_log"
    MANAGE_CHANNELS = "manage_channels"
    READ_DASHBOARD = "read_dashboard"
    WRITE_MESSAGES = "write_messages"
    READ_ROSTER = "read_roster"
    EDIT_ROSTER = "edit_roster"
    READ_RELATIONS = "read_relations"
    PLAN_RELATIONS = "plan_relations"
    LEAD_RELATIONS = "lead_relations"
    LOG_WORK = "log_work"
    GIVE_OPINIONS = "give_opinions"
    COLLECT_OPINIONS = "collect_opinions"
    READ_COMMITMENTS = "read_commitments"
    PUBLISH_COMMITMENTS = "publish_commitments"
    READ_SCORECARDS = "read_scorecards"
    JUDGE_SCORECARDS = "judge_scorecards"
    READ_KNOWLEDGE = "read_knowledge"
    EDIT_KNOWLEDGE = "edit_knowledge"


_DESK = {
    Action.READ_FLEET,
    Action.QUOTE,
    Action.READ_POLICIES,
    Action.READ_PREMIUMS,
    Action.READ_RENEWALS,
    Action.REPORT_CLAIM,
    Action.READ_CLAIMS,
    Action.READ_CLOCKS,
    Action.UPLOAD_CLAIM_DOCUMENTS,
    Action.LOG_ENQUIRY,
    Action.READ_ENQUIRIES,
    Action.ANSWER_ENQUIRIES,
    Action.READ_REPORTS,
    Action.PLAN_ABSENCES,
    Action.WRITE_MESSAGES,
    Action.READ_ROSTER,
    Action.READ_RELATIONS,
    Action.PLAN_RELATIONS,
    Action.LOG_WORK,
    Action.COLLECT_OPINIONS,
    Action.READ_COMMITMENTS,
    Action.READ_SCORECARDS,
    Action.READ_KNOWLEDGE,
    Action.EDIT_KNOWLEDGE,
}
_UNDERWRITING = {
    Action.IMPORT_FLEET,
    Action.EDIT_VEHICLES,
    Action.ISSUE_POLICIES,
    Action.RECEIVE_PREMIUM,
    Action.RECORD_RENEWALS,
    Action.CHASE_COVER,
}
_CLAIMS_WORK = {
    Action.HANDLE_CLAIMS,
    Action.ASSIGN_CLAIMS,
    Action.APPROVE_CLAIMS,
    Action.PAY_CLAIMS,
    Action.RAISE_DISPUTES,
    Action.COMPARE_OUTSTANDING,
    Action.RECORD_RECOVERIES,
}
_MANAGEMENT = {
    Action.RELEASE_CREDIT,
    Action.WRITE_OFF_RECOVERIES,
    Action.MANAGE_CLOCKS,
    Action.REVIEW_BREACHES,
    Action.READ_COMPLIANCE,
    Action.CORRECT_CLOCKS,
    Action.RUN_REPORTS,
    Action.EDIT_SCHEDULES,
    Action.READ_DELIVERY_LOG,
    Action.MANAGE_CHANNELS,
    Action.READ_DASHBOARD,
    Action.READ_AUDIT,
    Action.EDIT_ROSTER,
    Action.PUBLISH_COMMITMENTS,
    Action.JUDGE_SCORECARDS,
    Action.LEAD_RELATIONS,
}
_ADMINISTRATION = {
    Action.MANAGE_USERS,
    Action.MANAGE_ACCOUNTS,
    Action.MANAGE_SETTINGS,
    Action.READ_AUDIT,
    Action.EDIT_SCHEDULES,
    Action.RUN_REPORTS,
    Action.READ_DELIVERY_LOG,
    Action.MANAGE_CHANNELS,
    Action.MANAGE_CLOCKS,
    Action.IMPORT_FLEET,
    Action.EDIT_VEHICLES,
    Action.EDIT_ROSTER,
    Action.PUBLISH_COMMITMENTS,
}
_CLIENT = {
    Action.READ_FLEET,
    Action.READ_POLICIES,
    Action.READ_RENEWALS,
    Action.REPORT_CLAIM,
    Action.READ_CLAIMS,
    Action.READ_CLOCKS,
    Action.OBJECT_TO_PAUSES,
    Action.UPLOAD_CLAIM_DOCUMENTS,
    Action.RAISE_DISPUTES,
    Action.LOG_ENQUIRY,
    Action.READ_ENQUIRIES,
    Action.REQUEST_VEHICLE,
    Action.WRITE_MESSAGES,
    Action.READ_ROSTER,
    Action.READ_RELATIONS,
    Action.GIVE_OPINIONS,
    Action.READ_COMMITMENTS,
    Action.READ_KNOWLEDGE,
}

_GRANTS: dict[Role, tuple[Scope, frozenset[Action]]] = {
    # Who keeps logins has no scorecard and reads nobody's.
    Role.ADMIN: (Scope.ALL, frozenset((_ADMINISTRATION | _DESK) - {Action.READ_SCORECARDS})),
    Role.MANAGER: (Scope.OWN_ACCOUNTS, frozenset(_DESK | _UNDERWRITING | _CLAIMS_WORK | _MANAGEMENT)),
    Role.UNDERWRITER: (Scope.OWN_ACCOUNTS, frozenset(_DESK | _UNDERWRITING)),
    Role.CLAIMS: (Scope.OWN_ACCOUNTS, frozenset(_DESK | _CLAIMS_WORK)),
    Role.GROUP_INSURANCE: (
        Scope.OWN_ACCOUNTS,
        frozenset(
            _CLIENT
            | {
                Action.READ_REPORTS,
                Action.READ_PREMIUMS,
                Action.READ_COMPLIANCE,
                Action.COMPARE_OUTSTANDING,
                Action.APPROVE_VEHICLE_REQUEST,
            }
        ),
    ),
    Role.BRANCH_SAFETY: (Scope.OWN_BRANCHES, frozenset(_CLIENT)),
}

CLIENT_ROLES = frozenset({Role.GROUP_INSURANCE, Role.BRANCH_SAFETY})


def side_of(role: Role) -> Side:
    """Which side of the desk a role sits on."""
    return Side.CLIENT if role in CLIENT_ROLES else Side.INSURER


def scope_for(role: Role, action: Action) -> Scope | None:
    """How far `role` reaches with `action`; None when it may not do it at all."""
    scope, actions = _GRANTS[role]
    return scope if action in actions else None


def may(role: Role, action: Action) -> bool:
    """Whether the role has the action at all."""
    return scope_for(role, action) is not None
