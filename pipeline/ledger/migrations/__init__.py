"""Alembic's migrations of the ledger; `database.py` runs them when it opens a ledger that is behind."""
