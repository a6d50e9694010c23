"""The ledger's tables. Times are whole seconds since 1970, UTC; a post stands under its `subject`, a hash of its id.

`entry` is the append-only chain and the truth; `verdict` repeats what must be unique and quick to find. `item` is the
desk's queue: it can be made again from derived/ and the chain. The other tables are about the people who work here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

HEAD = "0003"
"""The newest migration (a test compares it with migrations/versions)."""

# Names of constraints must not differ between the two databases, or migrations could not name them.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in a column of type INTEGER

entry = Table(
    "entry",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("office", String(5), nullable=False),
    Column("number", BigInteger, nullable=False),  # 1, 2, 3 ... within the office
    Column("kind", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("subject", String(64), nullable=False, default=""),
    Column("body", Text, nullable=False),  # canonical JSON of all that the chain covers
    Column("payload_digest", String(64), nullable=False),  # sha256(salt || payload), or empty
    Column("salt", LargeBinary(16)),
    Column("payload", Text),  # erasable
    Column("prev_hash", String(64), nullable=False, unique=True),  # two writers cannot both be next
    Column("hash", String(64), nullable=False, unique=True),
    UniqueConstraint("office", "number"),
    Index("ix_entry_subject", "subject"),
    Index("ix_entry_action", "office", "action", "at"),
)

head = Table(  # the last link of each office: without it, dropping the newest rows could not be seen
    "head",
    metadata,
    Column("office", String(5), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    Column("seq", _Id, ForeignKey("entry.seq"), primary_key=True),
    Column("id", String(64), nullable=False, unique=True),  # the entry's hash
    Column("office", String(5), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("supersedes", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("criticism", Boolean, nullable=False),  # the one rate that Kabid and lawyer want every week
    UniqueConstraint("subject", "supersedes"),  # of two who decide at once, one is second
    Index("ix_verdict_at", "office", "at"),
    Index("ix_verdict_reviewer", "reviewer", "seq"),
)

item = Table(
    "item",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("flag_id", Text, nullable=False),
    Column("office", String(5), nullable=False),
    Column("partition", String(13), nullable=False),
    Column("source", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("platform", String(64), nullable=False),
    Column("published_at", BigInteger),
    Column("seen_at", BigInteger, nullable=False),
    Column("cluster", String(64), nullable=False),  # a subject: that of the earliest copy
    Column("account", String(32), nullable=False),  # only good for "n accounts" within one cluster
    Column("spread", Integer, nullable=False),  # flags in the cluster
    Column("base", Float, nullable=False),  # the part of the priority that does not change with time
    Column("sample", Boolean, nullable=False),  # no rule flagged it: in no figure of flags
    Column("teach", Boolean, nullable=False, server_default=false()),  # of those, the ones that chance did not draw
    Column("address", Text),  # of the original, for "Buka sumber"; never of a sample
    Column("status", String(16), nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", String(64), nullable=False, default=""),
    Column("held_by", String(64), nullable=False, default=""),
    Column("held_until", BigInteger, nullable=False, default=0),
    Column("rev", BigInteger, nullable=False),  # counts changes of status and holder
    Column("dirty", Boolean, nullable=False),  # the index does not know the newest of them
    # Covers the queue's order: what waits is ranked without reading the rows.
    Index("ix_item_waiting", "office", "status", "cluster", "seen_at", "subject", "spread", "base", "decided_by"),
    Index("ix_item_cluster", "cluster"),
    Index("ix_item_seen_at", "office", "seen_at"),
    Index("ix_item_held_by", "held_by"),
    Index("ix_item_dirty", "subject", sqlite_where=text("dirty = 1"), postgresql_where=text("dirty")),
)

item_tag = Table(
    "item_tag",
    metadata,
    Column("subject", String(64), ForeignKey("item.subject", ondelete="CASCADE"), primary_key=True),
    Column("field", String(16), primary_key=True),  # label, topic, province, region, claim
    Column("value", String(64), primary_key=True),
    Index("ix_item_tag_value", "field", "value"),
)

erased = Table(  # the do-not-take-again list
    "erased",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

claim = Table(  # what its reviews say together, kept beside them so that claims can be listed
    "claim",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("text", Text, nullable=False),
    Column("standing", String(16), nullable=False),
    Column("first_at", BigInteger),
    Column("rev", BigInteger, nullable=False, unique=True),  # grows with every change: what is new for the claims index
    Index("ix_claim_standing", "standing", "first_at"),
)

claim_review = Table(
    "claim_review",
    metadata,
    Column("key", String(24), primary_key=True),
    Column("claim_id", String(16), ForeignKey("claim.id"), nullable=False),
    Column("words", String(64), nullable=False),  # hash of the claim's words: two checkers of one sentence meet here
    Column("checker", String(120), nullable=False),
    Column("source", String(40), nullable=False),
    Column("reviewed_at", BigInteger),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the review as JSON
    Index("ix_claim_review_claim_id", "claim_id"),
    Index("ix_claim_review_words", "words"),
    Index("ix_claim_review_checker", "checker"),
)

user = Table(
    "user_account",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", Text, nullable=False),  # argon2id
    Column("language", String(2), nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

right = Table(
    "user_right",
    metadata,
    Column("user_id", String(64), ForeignKey("user_account.id"), primary_key=True),
    Column("office", String(5), primary_key=True),
    Column("role", String(16), nullable=False),
)

session = Table(
    "user_session",
    metadata,
    Column("token", String(64), primary_key=True),  # sha256 of the cookie
    Column("user_id", String(64), ForeignKey("user_account.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("ix_user_session_user_id", "user_id"),
)

failure = Table(  # sign-ins that failed, by hash of the name or address
    "signin_failure",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_signin_failure_key", "key", "at"),
)

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("user_id", String(64), ForeignKey("user_account.id"), nullable=False),
    Column("office", String(5), nullable=False),
    Column("name", String(80), nullable=False),
    Column("query", Text, nullable=False),
    UniqueConstraint("user_id", "office", "name"),
)

publication = Table(
    "publication",
    metadata,
    Column("id", String(64), primary_key=True),  # the entry's hash
    Column("office", String(5), nullable=False),
    Column("day", String(10), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_publication_office", "office", "day"),
)
