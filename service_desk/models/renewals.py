"""Renewal reminders sent, once per vehicle, line, expiry and rung of the ladder."""

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, enum_type
from service_desk.rules.vocabulary import PolicyLine


class RenewalReminder(Base):
    __tablename__ = "renewal_reminders"
    __table_args__ = (UniqueConstraint("vehicle_id", "line", "expires_on", "days_before"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    expires_on: Mapped[date]
    days_before: Mapped[int]
    sent_at: Mapped[Instant]
