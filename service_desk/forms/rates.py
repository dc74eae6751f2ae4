"""Forms of a new version of a price table: from when, its prices, one line of it, its cover sets."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import DayField, Form, SelectField
from service_desk.rules.price_sheet import CoverSetRow, PriceRow, fields_of
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.rate_drafts import DraftDetails

_CHOSEN = ("cover_set", "use_class", "measure")
# The name under which the row for a cover set that is not there yet is sent.
NEW = 0


class DetailsForm(Form):
    """From when, and by what agreement."""

    effective_on = DayField(_l("In force from"), [InputRequired()])
    source = StringField(_l("Source"), [Length(max=200)])


class BeginForm(DetailsForm):
    """A new version, from the lines there are or from a workbook."""

    for_account = BooleanField(_l("For this key account only"))
    is_agreed = BooleanField(_l("These prices are agreed, not samples"))
    file = FileField(_l("Workbook"))

    def command(self, account_id: int) -> DraftDetails:
        """From when and for whom, for `services.policies.rate_drafts`."""
        return DraftDetails(
            effective_on=self.effective_on.data,
            source=self.source.data or "",
            is_agreed=bool(self.is_agreed.data),
            for_account_id=account_id if self.for_account.data else None,
        )


class WorkbookForm(Form):
    file = FileField(_l("Workbook"))


class ConfirmForm(Form):
    accepts_holes = BooleanField(_l("I have seen the holes; vehicles in them get no price"))


class PricesForm(Form):
    """The premiums of a draft: `for_rows` adds `premium-<id>` and `remove-<id>` for each row."""

    row_ids: tuple[int, ...] = ()

    @classmethod
    def for_rows(cls, rows: Sequence[PriceRow]) -> type["PricesForm"]:
        """The form with the fields of these rows."""
        fields: dict[str, Any] = {}
        for row in rows:
            fields[f"premium-{row.id}"] = StringField(
                _l("Premium a year"), [Length(max=40)], default=row.values.get("premium", "")
            )
            fields[f"remove-{row.id}"] = BooleanField(_l("Take out"))
        return type("OneDraftForm", (cls,), {**fields, "row_ids": tuple(row.id for row in rows)})

    def prices(self) -> dict[int, str]:
        """The premiums as typed, by id of the row."""
        return {row_id: self[f"premium-{row_id}"].data or "" for row_id in self.row_ids}

    def removed(self) -> list[int]:
        """The rows to take out."""
        return [row_id for row_id in self.row_ids if self[f"remove-{row_id}"].data]


class LineForm(Form):
    """One line of a price table; `for_line` adds a field for each of its columns."""

    fields_in_order: tuple[str, ...] = ()

    @classmethod
    def for_line(cls, line: PolicyLine) -> type["LineForm"]:
        """The form with the fields of a line of business."""
        names = fields_of(line)
        fields: dict[str, Any] = {name: _line_field(name) for name in names}
        return type("OneLineForm", (cls,), {**fields, "fields_in_order": names})

    def values(self) -> dict[str, str]:
        """The row as typed."""
        values = {name: self[name].data for name in self.fields_in_order}
        return {
            name: ("yes" if data else "no") if name == "per_seat" else str(data or "")
            for name, data in values.items()
        }


def _line_field(name: str) -> Any:
    if name == "per_seat":
        return BooleanField()
    if name in _CHOSEN or name.endswith("_per"):
        return SelectField(choices=[], validate_choice=False)
    return StringField(validators=[Length(max=40)])


class CoverSetsForm(Form):
    """Codes and names of the cover sets of a draft; a row of blanks more for a new one."""

    row_ids: tuple[int, ...] = ()

    @classmethod
    def for_rows(cls, rows: Sequence[CoverSetRow]) -> type["CoverSetsForm"]:
        """The form with `code-`, `zh-` and `en-<id>` of each row, and of a new one."""
        shown = [*rows, CoverSetRow(NEW, None, "", "", "")]
        labels = {"code": _l("Code"), "zh": _l("Chinese name"), "en": _l("English name")}
        fields: dict[str, Any] = {
            f"{name}-{row.id}": StringField(words, [Length(max=200)], default=getattr(row, name))
            for row in shown
            for name, words in labels.items()
        }
        return type("OneDraftForm", (cls,), {**fields, "row_ids": tuple(row.id for row in shown)})

    def rows(self, numbers: Mapping[int, int | None]) -> list[CoverSetRow]:
        """The cover sets as typed; one without any word is gone. `numbers`: rows of the workbook they came from."""
        typed = [
            CoverSetRow(
                row_id, numbers.get(row_id), *(self._text(name, row_id) for name in ("code", "zh", "en"))
            )
            for row_id in self.row_ids
        ]
        return [row for row in typed if row.code or row.zh or row.en]

    def _text(self, name: str, row_id: int) -> str:
        return str(self[f"{name}-{row_id}"].data or "").strip()
