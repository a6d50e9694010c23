"""Any text through the text chain, the models and the search box, under atheris.

python tests/fuzz/fuzz_text.py -max_total_time=60 [corpus/]
"""

import atheris
import harness

with atheris.instrument_imports(include=["pipeline"]):
    import targets

harness.start(atheris, "text", targets.text, targets.seeds("text"), 2_000)
