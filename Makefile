# Kentongan. `make help` lists what there is; each target sets up .venv by itself.
PYTHON ?= python3
SERVE ?= 1
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
BERT := .venv-bert
AIRFLOW := .venv-airflow
DEMO := .demo
AXE := tests/browser/node_modules/.installed
ELASTIC := .elastic/.fetched
UV := $(BIN)/uv --system-certs pip install --quiet --python $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo test test-bert test-airflow test-celery airflow lint format bench lock locale fuzz audit sbom wheel wheel-demo picture pictures clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.base: requirements/bootstrap.txt requirements/base.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "the module venv is missing: on Debian, apt-get install python3-venv"; exit 2; }
	@echo "Installing (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(UV) --require-hashes -r requirements/base.txt
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	@$(UV) --require-hashes -r requirements/dev.txt
	@touch $@

# Only the accessibility tests need npm: they skip without it, but in CI its lack is an error.
$(AXE): tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc
	@{ command -v npm >/dev/null && npm ci --silent --prefix tests/browser && touch $@; } || \
	{ echo "axe-core could not be installed: npm is missing, or cannot reach its registry"; test "$$CI" != true; }

# Only the tests with a real Elasticsearch need it: they skip without it, but in CI its lack is an error.
$(ELASTIC): tests/services/elastic.py | $(VENV)/.dev
	@{ PYTHONPATH=tests $(BIN)/python -m services.elastic fetch && touch $@; } || test "$$CI" != true

# atheris has wheels for Linux on x86_64 and few versions of Python: elsewhere there is no fuzzing, in CI that is an error.
$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.txt
	@{ $(UV) --require-hashes -r requirements/fuzz.txt && touch $@; } || \
	{ echo "atheris could not be installed: it has no wheel for this Python or system"; test "$$CI" != true; }

# torch takes 5 GB and serves nobody: it has an environment of its own. Without it those tests are left out, in CI that is
# an error. The CPU build, a tenth as large, is not on PyPI.
$(BERT)/.installed: $(VENV)/.dev requirements/bert.txt
	@echo "Installing torch into $(BERT) (once, 6 GB) ..."
	@{ { test -x $(BERT)/bin/python || $(BIN)/python -m venv $(BERT); } && \
	$(BIN)/uv --system-certs pip install --quiet --python $(BERT)/bin/python --require-hashes -r requirements/dev.txt -r requirements/bert.txt && \
	$(BIN)/uv --system-certs pip install --quiet --python $(BERT)/bin/python --no-deps --no-build-isolation --editable . && \
	touch $@; } || { echo "torch could not be installed"; test "$$CI" != true; }

# Airflow wants older versions of some packages than the program alone: it has an environment of its own too. Without it its
# tests are left out, in CI that is an error.
$(AIRFLOW)/.installed: $(VENV)/.base requirements/airflow.txt setup.cfg
	@echo "Installing Airflow into $(AIRFLOW) (once, 0.7 GB) ..."
	@{ { test -x $(AIRFLOW)/bin/python || $(BIN)/python -m venv $(AIRFLOW); } && \
	$(BIN)/uv --system-certs pip install --quiet --python $(AIRFLOW)/bin/python --require-hashes -r requirements/airflow.txt && \
	$(BIN)/uv --system-certs pip install --quiet --python $(AIRFLOW)/bin/python --no-deps --no-build-isolation --editable . && \
	touch $@; } || { echo "Airflow could not be installed"; test "$$CI" != true; }

demo: $(VENV)/.base  ## The whole job on the sample, in a home of its own (SERVE=0: without the desk)
	@rm -rf $(DEMO)
	@$(BIN)/kentongan demo --home $(DEMO) $(if $(filter 0,$(SERVE)),,--serve)

test: $(VENV)/.dev $(AXE) $(ELASTIC)  ## All tests
	$(BIN)/python -m pytest -n auto --cov --cov-report=term
	@$(MAKE) --no-print-directory test-bert
	@$(MAKE) --no-print-directory test-airflow

test-bert: $(BERT)/.installed  ## The tests of fine-tuning a BERT, in their own environment with torch
	@test ! -e $(BERT)/.installed || BERT_TESTS=true $(BERT)/bin/python -m pytest -p no:xdist tests/bert

test-airflow: $(AIRFLOW)/.installed  ## The tests of the schedule, in their own environment with Airflow
	@test ! -e $(AIRFLOW)/.installed || AIRFLOW_TESTS=true $(AIRFLOW)/bin/python -m pytest -p no:xdist tests/dags

test-celery: $(AIRFLOW)/.installed  ## The schedule on PostgreSQL, Redis and Celery workers, all of them killed (6 minutes)
	@test ! -e $(AIRFLOW)/.installed || CELERY_TESTS=true $(AIRFLOW)/bin/python -m pytest -p no:xdist -s tests/workers

airflow: $(AIRFLOW)/.installed  ## The schedule on this machine alone, for a look (see docs/jadwal.md)
	@$(AIRFLOW)/bin/python deploy/airflow/look.py .airflow

fuzz: $(VENV)/.fuzz  ## Fuzz feeds, exports and texts, SECONDS=60 each; what breaks them stays in .fuzz/*/crashes
	@test -e $(VENV)/.fuzz || exit 0; for name in feed export text; do \
		$(BIN)/python tests/fuzz/fuzz_$$name.py -seed=1 -max_total_time=$(SECONDS) -dict=tests/fuzz/words.dict -verbosity=0 || exit 1; \
	done

lint: $(VENV)/.dev  ## ruff, mypy, the floors of the house, the catalogue
	$(BIN)/ruff check .
	$(BIN)/ruff check --select AIR --preview dags
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/catalogue.py --check

format: $(VENV)/.dev  ## Lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## Speed side by side in one run (see docs/benchmarks.md)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/bench_classify.py
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/bench_run.py
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/bench_desk.py

lock: $(VENV)/.dev  ## Resolve the locked requirements again
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes setup.cfg requirements/build.in -o requirements/base.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes setup.cfg --extra elastic --extra encoder --extra postgresql --extra train requirements/build.in requirements/dev.in -c requirements/base.txt -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes setup.cfg --extra encoder --extra train --extra indobert -c requirements/dev.txt -o requirements/bert.txt
	@# Airflow with what there was when it came out, as its constraints say; the rest, fitting that, as new as there is
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --exclude-newer 2026-09-20 requirements/airflow.in -o requirements/airflow-constraints.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes setup.cfg --extra elastic --extra postgresql --extra train requirements/build.in requirements/airflow.in -c requirements/airflow-constraints.txt -o requirements/airflow.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements/fuzz.in -o requirements/fuzz.txt

locale: $(VENV)/.dev  ## Collect the messages again and compile the catalogues
	$(BIN)/python tests/catalogue.py --update

audit: $(VENV)/.dev  ## Known vulnerabilities of what is locked (asks PyPI itself; see docs/supply.md)
	@$(BIN)/python tests/supply.py --audit

sbom: $(VENV)/.dev  ## The bill of materials (CycloneDX) into dist/sbom.cdx.json
	@$(BIN)/python tests/supply.py --sbom dist/sbom.cdx.json
	@echo "Written: dist/sbom.cdx.json"

wheel: $(VENV)/.dev  ## Build the wheel into dist/
	@rm -rf dist build
	$(BIN)/python -m build --wheel --no-isolation

wheel-demo: wheel  ## Install the wheel into an empty environment outside the repository and run the demo there
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv $$folder/venv && \
	$(BIN)/uv --system-certs pip install --quiet --python $$folder/venv/bin/python --require-hashes -r requirements/base.txt && \
	$(BIN)/uv --system-certs pip install --quiet --python $$folder/venv/bin/python --no-deps dist/*.whl && \
	cd $$folder && venv/bin/kentongan demo --home $$folder/home --json > report.json && \
	KENTONGAN__PATHS__HOME=$$folder/home venv/bin/python -W ignore -c 'from pipeline.core.config import load_settings; from pipeline.review.app import build_app; from pipeline.workplace import Workplace; from starlette.testclient import TestClient; assert "</form>" in TestClient(build_app(Workplace(load_settings()[0])), base_url="http://127.0.0.1").get("/masuk").text' && \
	echo "The wheel runs the demo and draws the desk."

picture: $(VENV)/.base  ## Draw the README's picture again from a run of the demo
	$(BIN)/python docs/picture.py

pictures: $(VENV)/.dev  ## Take the pictures of the officer's guide again from a run of the desk
	@rm -f docs/gambar/*.png
	PICTURES=docs/gambar $(BIN)/python -m pytest tests/browser/test_panduan.py -p no:xdist

clean:  ## Remove what make made
	rm -rf $(VENV) $(BERT) $(AIRFLOW) $(DEMO) .airflow build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz .coverage* .elastic tests/browser/node_modules
