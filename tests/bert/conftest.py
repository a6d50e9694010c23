"""Fine-tuning needs torch, which lives in an environment of its own: `make test-bert`. Serving is tested everywhere."""

from __future__ import annotations

import os
from importlib.util import find_spec

# In the environment of its own a missing torch is an error of the tests that import it
collect_ignore_glob = [] if os.environ.get("BERT_TESTS") == "true" or find_spec("torch") else ["test_torch_*.py"]
