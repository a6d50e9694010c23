"""Feeds and pages of strangers under atheris.

python tests/fuzz/fuzz_feed.py -max_total_time=60 [corpus/]
"""

import atheris
import harness

with atheris.instrument_imports(include=["pipeline"]):
    import targets

harness.start(atheris, "feed", targets.feed, targets.seeds("feed"), 20_000)
