"""The schedule on several workers needs Airflow, PostgreSQL and Redis, and minutes: `make test-celery`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
collect_ignore_glob = [] if os.environ.get("CELERY_TESTS") == "true" else ["test_*.py"]
if not collect_ignore_glob:
    sys.path[:0] = [str(ROOT / "deploy" / "airflow"), str(ROOT / "benchmarks")]
