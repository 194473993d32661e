# Few words; each is safe to repeat and quick the second time. Nothing here asks a question.
#
#   make install   .venv with .venv/bin/stavbill: the production lock and this project, editable
#   make demo      installs what is missing and runs a month against the sandbox
#   make test      everything that CI checks; installs the tools and Debian packages it needs
#   make restores  the database put back from every moment of a run and of its letters
#   make check     under a minute: linters, types, imports, and the tests of the pure core
#   make test-days   the suite as if today were each day on which billing could go otherwise
#   make golden    rewrites the approved documents in tests/golden; review the diff like code
#   make bench     one line for each figure: name value unit limit ok|short
#   make chaos     2,000 companies, 2 workers, every fault, kills and pauses: ends with a verdict
#   make simulate   nights with every fault on virtual time: make simulate SEED=1 NIGHTS=300
#   make lock      resolves requirements*.lock again from pyproject.toml
#   make audit     known vulnerabilities in what the production lock installs
#
# A fresh Debian 12 needs python3.11, pip and make. Another interpreter: make PYTHON=/path install

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) python3)
VENV := .venv
BIN := $(VENV)/bin
# Another interpreter's: what runs the service has no pip and no setuptools in it.
PIP := scripts/pip.sh "$(PYTHON)" $(VENV)
FAST_TESTS := $(wildcard tests/billing tests/plan tests/house)
# Resolving leaves no download address in the lock; hashes make every mirror as good as another.
LOCK := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --quiet

# Debian's libraries for documents: Pango lays out, HarfBuzz makes fonts small four times as fast.
DEBIAN := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation
# For tests alone: PostgreSQL for the store, what looks at documents and pages as people and banks
# do, and systemd-analyze with libseccomp for the units; systemd itself is not started.
DEBIAN_TEST := $(DEBIAN) postgresql poppler-utils zbar-tools chromium chromium-driver systemd

.DELETE_ON_ERROR:
.PHONY: help install dev debian fonts demo test restores test-days check static golden bench chaos lock \
	simulate audit

help:
	@sed -n 's/^#   make/  make/p' Makefile

# ------------------------------------------------------------------------------- installation
# Stamps lie inside .venv: remove it and everything is made again. The locks are complete, so
# nothing is resolved (--no-deps): pip 23 would look at a newer release behind `coverage[toml]`
# and refuse it for want of a hash. `pip check` says whether a lock lacks something.
install: $(VENV)/installed.stamp
	@printf '%s\n' "Готово: $(BIN)/stavbill. Чтобы писать просто stavbill:" \
		"    export PATH=\"$(CURDIR)/$(BIN):\$$PATH\"     # и эту же строку — в ~/.profile"

dev: $(VENV)/dev.stamp

$(VENV)/created.stamp:
	@scripts/create-venv.sh "$(PYTHON)" $(VENV)
	@touch $@

$(VENV)/installed.stamp: requirements.lock pyproject.toml | $(VENV)/created.stamp
	$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(PIP) check
	$(PIP) uninstall --yes --quiet --quiet pip setuptools
	@touch $@

# The development lock was resolved under the production lock: installing it changes no version.
# It brings a pip of its own: pip-audit asks for one.
$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/installed.stamp
	$(PIP) install --no-deps --require-hashes --requirement requirements-dev.lock
	$(PIP) check
	@touch $@

debian:
	@scripts/debian-packages.sh $(DEBIAN_TEST)

fonts:
	@scripts/debian-packages.sh $(DEBIAN)

# --------------------------------------------------------------------------------------- words
demo: $(VENV)/installed.stamp fonts
	@scripts/demo.sh

# One pass over all that must hold. Coverage is of the pure core only, branches included: the
# rest is tested against the sandbox, where a percentage says little.
test: dev debian static
	$(BIN)/python -m pytest -n auto --cov --cov-report=term

# Minutes: a copy from every moment of a run and of its letters, put back after the loss.
restores: dev debian
	STAVBILL_TEST_MOMENTS=1000 $(BIN)/python -m pytest -n 2 tests/delivery/test_restored.py

# Hours: DAYS="--day 29-february --day first tests/app -n 2" takes days and tests.
test-days: dev debian
	$(BIN)/python -m tests.days $(DAYS)

check: dev static
	$(BIN)/python -m pytest -q -n auto $(FAST_TESTS)

static: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Exit code 5 is pytest's «nothing collected»: no document is approved by text yet.
golden: dev
	$(BIN)/python -m pytest -q --rewrite-golden || [ $$? -eq 5 ]

bench: dev
	$(BIN)/python -m benchmarks

SEED ?= 1
NIGHTS ?= 300
simulate: dev
	$(BIN)/python -m tests.simulator --seed $(SEED) --nights $(NIGHTS)

# CHAOS="--database postgresql --seed 7" chooses another one.
chaos: dev debian
	$(BIN)/python -m benchmarks.chaos $(CHAOS)

# AUDIT="--vulnerability-service osv" asks another service. Without a network: the kept answer.
audit: dev
	@scripts/audit.sh $(AUDIT)

# A name that pyproject.toml has just gained is in no lock yet: `dev` would refuse it.
$(BIN)/uv: | $(VENV)/created.stamp
	$(PIP) install uv

lock: | $(BIN)/uv
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group build --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock
