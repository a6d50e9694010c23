"""Files of posts (CSV, JSON, JSON Lines, XLSX, Parquet, the form) under atheris.

python tests/fuzz/fuzz_export.py -max_total_time=60 [corpus/]
"""

import atheris
import harness

with atheris.instrument_imports(include=["pipeline"]):
    import targets

harness.start(atheris, "export", targets.export, targets.seeds("export"), 20_000)
