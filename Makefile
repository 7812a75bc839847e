# make demo    a CDR viewer with recorded calls, on http://127.0.0.1:$(PORT)/
#              LIVE=1: with a collector beside it, and a call that comes in
# make test    every check but the tests of durability, which take minutes; what needs a
#              tool that is not there is skipped, and says so
# make test-all  those too; CI runs this
# make audit   known weaknesses of what the package needs, by pip-audit
# make bench   ours beside a yardstick
# make messages  the catalogues of what the page says, brought up to date
# make docs    the documentation, into docs/_build/html
# make clean   all of the above away again; the demo's calls and keys with it

PYTHON ?= python3
PORT ?= 5000
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-all check audit bench messages docs clean

demo: $(VENV)/.installed
	@$(BIN)/python -m example_app $(PORT) $(if $(LIVE),--live)

# Tests of one file share servers and ports, so a file stays with one process.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

test: check
	$(PYTEST) -m 'not durability'

test-all: check
	$(PYTEST)

audit: $(VENV)/.installed-test
	$(BIN)/python .ci/audit.py

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sphinx-build -qW docs docs/_build/html

bench: $(VENV)/.installed-test
	@$(BIN)/python -m benchmarks

# What compiling complains of is checked by a test: Babel takes "% of" for a format.
TRANSLATIONS := flask_sipvault/translations
messages: $(VENV)/.installed-test
	$(BIN)/pybabel extract -F babel.cfg -k sv_ -k sv_n:1,2 -k N_ --no-wrap --sort-by-file \
	  --add-location=file --omit-header -o $(TRANSLATIONS)/sipvault.pot .
	$(BIN)/pybabel update -D sipvault -i $(TRANSLATIONS)/sipvault.pot -d $(TRANSLATIONS) \
	  --no-wrap --no-fuzzy-matching --ignore-pot-creation-date
	-$(BIN)/pybabel compile -D sipvault -d $(TRANSLATIONS) --statistics

docs: $(VENV)/.installed-test
	$(BIN)/sphinx-build -W docs docs/_build/html

clean:
	rm -rf $(VENV) build dist docs/_build *.egg-info example_app/instance

# The stamps make a second run quick. The source is used where it lies, so only a change
# of the packaging asks for another installation.
$(VENV)/.installed: $(VENV)/bin/python setup.cfg pyproject.toml
	@echo "Installing flask_sipvault into $(VENV) …"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
	  "Python 3.10 or later is needed: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
