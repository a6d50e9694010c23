"""Claims and what fact-checkers wrote about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "claim",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("rev", name=op.f("uq_claim_rev")),
    )
    op.create_index("ix_claim_standing", "claim", ["standing", "first_at"], unique=False)
    op.create_table(
        "claim_review",
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("claim_id", sa.String(length=16), nullable=False),
        sa.Column("words", sa.String(length=64), nullable=False),
        sa.Column("checker", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_claim_review_claim_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_claim_review")),
    )
    op.create_index("ix_claim_review_checker", "claim_review", ["checker"], unique=False)
    op.create_index("ix_claim_review_claim_id", "claim_review", ["claim_id"], unique=False)
    op.create_index("ix_claim_review_words", "claim_review", ["words"], unique=False)


def downgrade() -> None:
    """Back from it."""
    op.drop_index("ix_claim_review_words", table_name="claim_review")
    op.drop_index("ix_claim_review_claim_id", table_name="claim_review")
    op.drop_index("ix_claim_review_checker", table_name="claim_review")
    op.drop_table("claim_review")
    op.drop_index("ix_claim_standing", table_name="claim")
    op.drop_table("claim")
