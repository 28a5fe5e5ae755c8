# Every target prepares what it needs: the first one that runs installs .venv from the hashed requirements.
PYTHON ?= python3
PORT ?= 8080
export PORT
export PYTHONPATH := $(CURDIR)
bin := .venv/bin
# More workers than cores: many tests wait, for a retry or an expiry for instance.
pytest := $(bin)/python -m pytest --numprocesses 3 --dist loadgroup

.PHONY: help run function logs reset demo events dead-letters audit replay test test-all soak check manifests prove cluster format bench pictures schemas requirements
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ {printf "%-17s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -m local.install

run: .venv/.installed  ## start the whole system on this machine (Ctrl-C stops it)
	@exec $(bin)/python -m local.stack

function: .venv/.installed  ## restart one function of the running stack whenever its code changes: NAME=orders-create
	@exec $(bin)/python -m local.function $(NAME) $(ARGS)

logs: .venv/.installed  ## follow the log of one process of the running stack: NAME=orders-create
	@exec $(bin)/python -m local.logs $(NAME)

reset: .venv/.installed  ## delete all local state
	@$(bin)/python -m local.reset

demo: .venv/.installed  ## walk through the order flow against a running stack; ARGS=--watch lets people shop until Ctrl-C
	@$(bin)/python -m local.demo $(ARGS)

events: .venv/.installed  ## show events as they pass
	@$(bin)/python -m local.tail

dead-letters: .venv/.installed  ## list, show, replay or purge dead letters: ARGS="list"
	@$(bin)/python -m local.task dead-letters $(ARGS)

audit: .venv/.installed  ## compare every payment and order with the payment provider, in one line
	@$(bin)/python -m local.task audit

replay: .venv/.installed  ## publish the events of an outbox again: SERVICE=orders HOURS=24
	@$(bin)/python -m local.task $(or $(SERVICE),orders)-replay $(or $(HOURS),24)

test: .venv/.installed  ## run the tests of every rule, with real servers on free ports
	$(pytest) -m "not slow"

test-all: test  ## and those that take long: crashes, expiries, installation
	$(pytest) -m slow

soak: .venv/.installed  ## inject faults of all kinds under load: MINUTES=10, ORDERS=10000 FAULTS=500, SEED repeats a plan
	$(bin)/python -m pytest -s tests/faults/soak.py

check: .venv/.installed  ## style, types, import contracts
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports

manifests: .venv/.installed  ## render every overlay and check it without a cluster
	@$(bin)/python -m tests.manifests

prove: .venv/.installed  ## check that an installed overlay works: CONTEXT=kind-ticketing URL=http://127.0.0.1:8080 HOST=ticketing.dev
	@$(bin)/python -m tests.cluster "$(CONTEXT)" "$(URL)" "$(HOST)" $(PROOFS)

cluster:  ## prepare a kind cluster with Knative in it (needs Docker)
	@knative/kind.sh

format: .venv/.installed  ## format the code
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .

bench: .venv/.installed  ## measure performance, as ratios within one run
	@$(bin)/python -m tests.bench $(ONLY)

pictures: .venv/.installed  ## take the pictures of the shop that the pages show
	@$(bin)/python -m tests.storefront.pictures

schemas: .venv/.installed  ## write the JSON Schemas of the events
	$(bin)/python -m events.schemas

requirements: .venv/.installed  ## compile the hashed requirements from the .in files
	$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt
	$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header .github/bom/requirements.in -o .github/bom/requirements.txt
