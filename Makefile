# Two commands: `make run` opens the explorer, `make test` runs every test. Both install what they need from the locks.
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
FRONTEND := explorer/components/frontend

# Packages are installed without bytecode, which each file gets when it is first imported; without it, every process
# would compile them again.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: run test check lock lint frontend pytest pytest-browser pytest-rest firefox format clean

run: $(VENV)/.run-ready
	@$(BIN)/python -m explorer --port $(PORT)

# Two processes share the tests without a browser. One after the other, they and the browser's tests end sooner than side
# by side, where both wait for the same two cores. With one thread per core in each process, the threads would block each
# other.
test pytest check: export OMP_NUM_THREADS ?= 1
test pytest check: export NUMBA_NUM_THREADS ?= 1

test: $(VENV)/.test-ready $(FRONTEND)/node_modules/.ready
	@$(MAKE) --no-print-directory --keep-going lint frontend pytest-rest pytest-browser

# Lint, types, and the fast tests of files that differ from the branch BASE or are not committed.
BASE ?= main
check: $(VENV)/.test-ready
	@$(MAKE) --no-print-directory lint
	$(BIN)/python tools/check.py $(BASE)

# Locks versions from pyproject.toml. LOCK_OPTIONS=--upgrade upgrades all packages, "-P NAME" one of them.
lock:
	tools/lock $(LOCK_OPTIONS)

lint: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pytest: $(VENV)/.test-ready $(FRONTEND)/node_modules/.ready
	@$(MAKE) --no-print-directory --keep-going pytest-rest pytest-browser

# axe-core, which checks the pages' accessibility, is a Node package.
pytest-browser: $(VENV)/.test-ready $(FRONTEND)/node_modules/.ready
	CHROMIUM="$$(tools/chromium)" $(BIN)/python -m pytest tests/browser

# Drives the stage in Firefox, which `make test` does not need: FIREFOX names it where it is not firefox-esr or firefox.
firefox: $(VENV)/.run-ready
	$(BIN)/python tools/firefox_smoke.py

pytest-rest: $(VENV)/.test-ready
	$(BIN)/python -m pytest --ignore tests/browser -n 2 --dist loadfile

# The built bundle is committed, so running needs no Node; if Node is installed, the bundle is compared with its sources.
frontend:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory frontend-check; \
	elif [ -n "$$CI" ]; then echo "Node is missing: CI must check the front end." >&2; exit 1; \
	else echo "Node is not installed: the front end is not checked."; fi

.PHONY: frontend-check
frontend-check: $(FRONTEND)/node_modules/.ready
	cd $(FRONTEND) && npm run --silent check && npm run --silent test && npm run --silent verify

$(FRONTEND)/node_modules/.ready: $(FRONTEND)/package-lock.json
	cd $(FRONTEND) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

format: $(VENV)/.test-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch is the only package without a hash: pip chooses the build for the machine (CPU, CUDA, Apple).
$(VENV)/.run-ready: requirements.lock requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. Name it: make run PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) "$$(grep ^torch== requirements.txt)"
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-test.lock
	$(PIP) --no-deps --require-hashes -r requirements-test.lock
	@touch $@

clean:
	rm -rf $(VENV) .venv-bench .venv-pythae .venv-stochman $(FRONTEND)/node_modules benchmarks/peers/maps/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
