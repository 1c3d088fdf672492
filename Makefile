# Two commands: `make run` opens the explorer, `make test` passes every test. Both set up what they need.
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
FRONTEND := explorer/components/frontend

.PHONY: run test lint lint-frontend-rest frontend pytest pytest-browser pytest-rest format clean

run: $(VENV)/.run-ready
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT)

# The browser's tests mostly wait: they run beside all the others, each side on a core of its own. Two sides with as
# many threads as there are cores would wait for each other's.
test pytest: export OMP_NUM_THREADS ?= 1

test: $(VENV)/.test-ready
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target pytest-browser lint-frontend-rest

lint-frontend-rest:
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory frontend
	@$(MAKE) --no-print-directory pytest-rest

lint: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pytest: $(VENV)/.test-ready
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target pytest-browser pytest-rest

pytest-browser: $(VENV)/.test-ready
	CHROMIUM="$$(tools/chromium)" $(BIN)/python -m pytest tests/browser

pytest-rest: $(VENV)/.test-ready
	$(BIN)/python -m pytest --ignore tests/browser

# The built bundle is committed, so running needs no Node; where Node is, it is checked against its sources.
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

$(VENV)/.run-ready: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. Name it: make run PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt -c constraints.txt
	@touch $@

clean:
	rm -rf $(VENV) .venv-bench .venv-pythae .venv-stochman $(FRONTEND)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
