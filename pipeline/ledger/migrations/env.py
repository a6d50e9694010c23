"""How Alembic is run: always on the connection that it is handed, inside that connection's transaction."""

from __future__ import annotations

from alembic import context

from pipeline.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
