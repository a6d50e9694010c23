"""The first version of the ledger."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_entry")),
        sa.UniqueConstraint("hash", name=op.f("uq_entry_hash")),
        sa.UniqueConstraint("office", "number", name=op.f("uq_entry_office")),
        sa.UniqueConstraint("prev_hash", name=op.f("uq_entry_prev_hash")),
    )
    op.create_index("ix_entry_action", "entry", ["office", "action", "at"], unique=False)
    op.create_index("ix_entry_subject", "entry", ["subject"], unique=False)
    op.create_table(
        "erased",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_erased")),
    )
    op.create_table(
        "head",
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_head")),
    )
    op.create_table(
        "item",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("partition", sa.String(length=13), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("spread", sa.Integer(), nullable=False),
        sa.Column("base", sa.Float(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("held_by", sa.String(length=64), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_item")),
    )
    op.create_index("ix_item_cluster", "item", ["cluster"], unique=False)
    only: dict[str, Any] = {"sqlite_where": sa.text("dirty = 1"), "postgresql_where": sa.text("dirty")}
    op.create_index("ix_item_dirty", "item", ["subject"], unique=False, **only)
    op.create_index("ix_item_held_by", "item", ["held_by"], unique=False)
    op.create_index("ix_item_seen_at", "item", ["office", "seen_at"], unique=False)
    ranked = ["office", "status", "cluster", "seen_at", "subject", "spread", "base", "decided_by"]
    op.create_index("ix_item_waiting", "item", ranked, unique=False)
    op.create_table(
        "publication",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
    )
    op.create_index("ix_publication_office", "publication", ["office", "day"], unique=False)
    op.create_table(
        "signin_failure",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_signin_failure")),
    )
    op.create_index("ix_signin_failure_key", "signin_failure", ["key", "at"], unique=False)
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("name", name=op.f("uq_user_account_name")),
    )
    op.create_table(
        "item_tag",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["item.subject"], name=op.f("fk_item_tag_subject"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subject", "field", "value", name=op.f("pk_item_tag")),
    )
    op.create_index("ix_item_tag_value", "item_tag", ["field", "value"], unique=False)
    op.create_table(
        "saved_search",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_saved_search_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint("user_id", "office", "name", name=op.f("uq_saved_search_user_id")),
    )
    op.create_table(
        "user_right",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_right_user_id")),
        sa.PrimaryKeyConstraint("user_id", "office", name=op.f("pk_user_right")),
    )
    op.create_table(
        "user_session",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_user_session")),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("supersedes", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("criticism", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["entry.seq"], name=op.f("fk_verdict_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_verdict")),
        sa.UniqueConstraint("id", name=op.f("uq_verdict_id")),
        sa.UniqueConstraint("subject", "supersedes", name=op.f("uq_verdict_subject")),
    )
    op.create_index("ix_verdict_at", "verdict", ["office", "at"], unique=False)
    op.create_index("ix_verdict_reviewer", "verdict", ["reviewer", "seq"], unique=False)


def downgrade() -> None:
    """Back from it."""
    op.drop_index("ix_verdict_reviewer", table_name="verdict")
    op.drop_index("ix_verdict_at", table_name="verdict")
    op.drop_table("verdict")
    op.drop_index("ix_user_session_user_id", table_name="user_session")
    op.drop_table("user_session")
    op.drop_table("user_right")
    op.drop_table("saved_search")
    op.drop_index("ix_item_tag_value", table_name="item_tag")
    op.drop_table("item_tag")
    op.drop_table("user_account")
    op.drop_index("ix_signin_failure_key", table_name="signin_failure")
    op.drop_table("signin_failure")
    op.drop_index("ix_publication_office", table_name="publication")
    op.drop_table("publication")
    op.drop_index("ix_item_waiting", table_name="item")
    op.drop_index("ix_item_seen_at", table_name="item")
    op.drop_index("ix_item_held_by", table_name="item")
    op.drop_index("ix_item_dirty", table_name="item")
    op.drop_index("ix_item_cluster", table_name="item")
    op.drop_table("item")
    op.drop_table("head")
    op.drop_table("erased")
    op.drop_index("ix_entry_subject", table_name="entry")
    op.drop_index("ix_entry_action", table_name="entry")
    op.drop_table("entry")
