# Two commands: `make demo` and `make test`. Each sets up what is missing first.

PYTHON ?= python3
BIN := .venv/bin
# What the demo needs, and what the tests and the linters need beside it.
READY := .venv/ready
TOOLS := .venv/tools
AXE := node_modules/axe-core/axe.min.js
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

FUZZ_SECONDS ?= 60

.PHONY: demo test lint types unit notebooks audit mutants fuzz clean

demo: $(READY)
	$(BIN)/python -m pipelines.run

test: lint types unit notebooks

lint: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TOOLS)
	$(BIN)/mypy

# Two processes, each a file at a time: what the tests of a file share is made once.
unit: $(TOOLS) $(AXE)
	$(BIN)/pytest -n 2 --dist loadfile

notebooks: $(TOOLS)
	$(BIN)/pytest --nbmake notebooks

# Ends with an error where a pinned library has a known weakness, and where that cannot be found out:
# libraries whose advisories cannot be had are not taken for sound ones.
audit: $(READY)
	$(INSTALL) -e ".[audit]"
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt \
	    2> .venv/audit.log && echo "audit: no known weakness in constraints.txt" \
	    || { grep '^Found' .venv/audit.log || \
	    echo "audit: not done, for the advisories cannot be had; see .venv/audit.log"; exit 1; }

# Some twenty minutes on two cores; stopped, it goes on where it was.
mutants: $(TOOLS)
	$(INSTALL) -e ".[mutation]"
	$(BIN)/mutmut run
	$(BIN)/mutmut results

fuzz: $(TOOLS)
	$(INSTALL) -e ".[fuzz]"
	$(BIN)/python tests/fuzz.py $(FUZZ_SECONDS)

# Checks that pages can be used by everybody. Where it cannot be had, these tests are skipped.
$(AXE):
	@if command -v npm > /dev/null; then npm install --prefix . --no-save --no-package-lock --ignore-scripts \
	    --silent --fetch-retries 0 --fetch-timeout 20000 axe-core@4 > /dev/null 2>&1 || true; fi

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

$(TOOLS): $(READY)
	$(INSTALL) -e ".[dev]"
	touch $@

clean:
	rm -rf .venv node_modules runs mutants .mypy_cache .pytest_cache .ruff_cache
