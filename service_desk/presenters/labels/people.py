"""Words of the audit trail for acts on people, accounts and branches."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_action": {
        "signed_in": _l("Signed in"),
        "user_added": _l("Login added"),
        "user_changed": _l("Login changed"),
        "password_changed": _l("Password changed"),
        "account_added": _l("Key account added"),
        "account_changed": _l("Key account changed"),
        "branch_added": _l("Branch added"),
        "branch_changed": _l("Branch changed"),
        "branch_alias_added": _l("Branch alias added"),
        "contact_added": _l("Contact added"),
        "contact_changed": _l("Contact changed"),
        "notice_sent_again": _l("Notice sent again"),
    },
}
