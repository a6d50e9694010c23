"""Which of the items that no rule flagged were chosen to teach a model, and not drawn by chance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.add_column("item", sa.Column("teach", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Back from it."""
    with op.batch_alter_table("item") as table:
        table.drop_column("teach")
