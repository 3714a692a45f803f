# Everything sets itself up: the virtual environment is made outside the checkout, keyed by the lock file.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/yoyak
RUN_ENV := $(CACHE)/run-$(shell sha256sum requirements.txt | cut -c1-16)
DEV_ENV := $(CACHE)/dev-$(shell sha256sum requirements/dev.txt | cut -c1-16)
PORT ?= 8000

.PHONY: help run test packages test-transformers-5 check fmt bench train-speech train-summarizer samples lock

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

# The lock file is in the folder's name; its time says nothing (a fresh clone is always newer).
$(RUN_ENV)/.ready: | requirements.txt
	@PYTHON=$(PYTHON) deploy/environment.sh $(RUN_ENV) requirements.txt

$(DEV_ENV)/.ready: | requirements/dev.txt
	@PYTHON=$(PYTHON) deploy/environment.sh $(DEV_ENV) requirements/dev.txt

run: $(RUN_ENV)/.ready ## Start everything on this machine and print the address
	@$(RUN_ENV)/bin/python manage.py up --port $(PORT)

test: packages ## Run every test that this machine can run
	@$(DEV_ENV)/bin/python -m pytest $(PYTEST_ARGS)

packages: $(DEV_ENV)/.ready
	@PATH=$(DEV_ENV)/bin:$$PATH deploy/system-packages.sh espeak-ng chromium pango korean-font

test-transformers-5: $(DEV_ENV)/.ready ## Load the models' folders in transformers 5, in an environment laid over the other
	@$(DEV_ENV)/bin/python -m venv $(DEV_ENV)-transformers-5
	@$(DEV_ENV)/bin/python -c 'import site; print(*site.getsitepackages())' > $$(echo $(DEV_ENV)-transformers-5/lib/python*/site-packages)/below.pth
	@$(DEV_ENV)-transformers-5/bin/python -m pip install -q transformers==5.24.0
	@$(DEV_ENV)-transformers-5/bin/python -m pytest -m "not slow" $(addprefix tests/model_core/unit/,test_models_stock.py test_stock_models.py test_summarizer_pretrained.py)

check: $(DEV_ENV)/.ready ## Formatting, lint, types, import contracts, migrations
	@$(DEV_ENV)/bin/ruff format --check .
	@$(DEV_ENV)/bin/ruff check .
	@$(DEV_ENV)/bin/lint-imports
	@$(DEV_ENV)/bin/mypy
	@$(DEV_ENV)/bin/python manage.py makemigrations --check --dry-run -v0

fmt: $(DEV_ENV)/.ready ## Format the code
	@$(DEV_ENV)/bin/ruff check --fix-only -q .
	@$(DEV_ENV)/bin/ruff format .

bench: $(DEV_ENV)/.ready ## Run the benchmarks, each against its peer
	@for file in benchmarks/*.py; do echo "== $$file"; PYTHONPATH=. $(DEV_ENV)/bin/python $$file || exit 1; done

train-speech: $(DEV_ENV)/.ready ## Train pretrained/speech-mini (resumes); CORPORA=folder of Korean text
	@PYTHONPATH=. $(DEV_ENV)/bin/python -m model_core.speech.train --run runs/speech-mini --corpora $(CORPORA)

train-summarizer: $(DEV_ENV)/.ready ## Train what pretrained/summarizer-mini holds, in two courses (resumes)
	@$(DEV_ENV)/bin/python -m model_core.training --recipe summarizer_mini --resume
	@$(DEV_ENV)/bin/python -m model_core.training --recipe summarizer_mini_second --resume

lock: ## Lock the requirements again after changing requirements/*.in
	@for name in web worker dev; do uv pip compile -q --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done
	@cp requirements/worker.txt requirements.txt
