"""Words of lists that leave the desk as files."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_action": {"exported": _l("List exported"), "file_taken": _l("File taken out")},
    "audit_field": {
        "export_file": _l("File"),
        "export_rows": _l("Rows exported"),
        "export_table": _l("Table"),
        "taken_from": _l("Taken from"),
    },
}
