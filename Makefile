# Every verb sets up what it needs first; `make help` lists them.
SHELL := /bin/sh
UV_VERSION := 0.13.9
BOOT := .bootstrap
UV := $(BOOT)/bin/uv
PYTHON ?= python3
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv

.DEFAULT_GOAL := help
.PHONY: help setup up test bench test-tools lint deploy play format demo clean

help: ## list the verbs
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: install a newer one, or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(BOOT) || { echo "python3 -m venv failed: install the package python3-venv" >&2; exit 1; }
	@$(BOOT)/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

.venv/.ready: $(UV) pyproject.toml uv.lock
	@[ -w "$$HOME" ] || export UV_NO_CACHE=1; \
	  $(UV) sync --frozen --quiet --all-extras --python $(PYTHON) --no-python-downloads
	@touch $@

.venv/.deploy-ready: .venv/.ready
	@[ -w "$$HOME" ] || export UV_NO_CACHE=1; \
	  $(UV) sync --frozen --quiet --all-extras --group deploy --python $(PYTHON) --no-python-downloads
	@touch $@

setup: .venv/.ready ## install the locked dependencies into .venv

up: setup ## start the whole platform on this machine; Ctrl-C stops it
	@exec $(BIN)/webintel up --with-parent

demo: setup ## scan a small shop of our own, without the internet
	@exec $(BIN)/webintel demo

test: .venv/.deploy-ready ## run every test
	@$(BIN)/pytest $(ARGS)

bench: setup ## measure speed as ratios in one interleaved run: make bench ARGS=--quick (whole: half an hour)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

test-tools: setup ## build what tests use: Kubernetes, kwok, Argo CD, Prometheus, Alertmanager (needs Go; 20 minutes, once)
	@$(BIN)/python -m tests.tools.build

lint: .venv/.deploy-ready ## style, types, YAML, playbooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/yamllint --strict .
	@PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_CONFIG=ansible/ansible.cfg $(BIN)/ansible-lint --offline -q

ENV ?= local
deploy: ## from an empty cluster to a synced platform, again at any time: make deploy ENV=staging
	@$(MAKE) --no-print-directory play VERB=site

play: .venv/.deploy-ready ## run a playbook: make play VERB=bootstrap ENV=staging ARGS=--check
	@PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_CONFIG=ansible/ansible.cfg \
	  $(BIN)/ansible-playbook --inventory ansible/inventories/$(ENV) playbooks/$(VERB).yml $(ARGS)

format: setup ## put the code into the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove what the verbs above made; data of `make up` stays
	@rm -rf $(BOOT) .venv .pytest_cache .mypy_cache .ruff_cache dist
