"""What every table of ours has."""

from uuid import UUID

from advanced_alchemy.base import AdvancedDeclarativeBase, CommonTableAttributes
from advanced_alchemy.mixins import AuditColumns
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7


class Base(CommonTableAttributes, AuditColumns, AdvancedDeclarativeBase):
    """An id that grows with time, and when the row was made and last changed.

    Advanced Alchemy's own base for this adds a column to every table for bulk inserts, which we do not make.
    """

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(default=uuid7, primary_key=True, sort_order=-100)
