# make demo, make test and make install do all the set-up that they need.   `make help` lists the rest.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help install model demo oracle test evals soak fuzz check format record golden docs bench wheel clean
.DEFAULT_GOAL := help

help: ## list what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# Nothing is compiled: every pinned package has a wheel.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); \
	  ok or sys.exit(f"qtgen needs Python 3.11 to 3.13, {sys.executable} is {v[0]}.{v[1]}; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "installing pinned dependencies into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(READY) ## install qtgen into .venv, and nothing else
	@echo "installed: $(BIN)/qtgen"

model: $(READY) ## fetch the embedded model, unless it is here
	@echo "the embedded model (98 MB, Apache-2.0): $$($(BIN)/python -m qtgen.llm.local.download)"

demo: model ## generate the pages of examples/questions.csv with the embedded model, and check them
	@$(BIN)/qtgen generate examples/questions.csv --out outputs --provider local
	@$(BIN)/qtgen validate outputs

ORACLE := tests/oracle/node_modules
$(ORACLE): tests/oracle/package-lock.json
	@cd tests/oracle && npm ci --silent && touch node_modules

# Where npm is absent the oracle's tests skip and say so; a failing install is a failure.
oracle: $(if $(shell command -v npm),$(ORACLE)) ## the site's own renderer, for the tests (needs npm)

test: model oracle ## every test, offline
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -rs

evals: $(READY) ## replay the suites smoke and core, offline, and compare with their baselines
	@$(BIN)/qtgen eval run smoke core

soak: $(READY) ## generation against faults and kill -9, fifty kills (needs ../shared)
	@QTGEN_KILLS=50 QTGEN_MANY=600 $(BIN)/python -m pytest tests/integration/test_scale.py

fuzz: $(READY) ## the mutation test of the validator, with 20,000 accidents
	@QTGEN_FUZZ=20000 $(BIN)/python -m pytest tests/validation/test_run.py -k accident

check: $(READY) ## formatter, linter, types, import contracts, docs are current
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | grep -E 'KEPT|BROKEN|->|not allowed' ; test $${PIPESTATUS[0]} -eq 0
	@$(BIN)/python docs/build.py --check
	@echo "check: all fine"

format: $(READY) ## format and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

record: model ## record the cassettes of the tests anew, from the embedded model
	@$(BIN)/python -m pytest -m vcr --record-mode=rewrite --allowed-hosts=127.0.0.1

golden: $(READY) ## record the golden files of versions that were raised
	@QTGEN_UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/test_versions.py

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/python docs/build.py

bench: $(READY) ## how fast a site is checked, and what a generated page costs (the latter needs ../shared)
	@$(BIN)/python benchmarks/validate.py && $(BIN)/python benchmarks/generate.py

wheel: $(READY) ## build dist/qtgen-*.whl
	@$(BIN)/python -m build --wheel --outdir dist . > /dev/null && ls dist

clean: ## remove what was built; outputs stay
	rm -rf $(VENV) $(ORACLE) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
