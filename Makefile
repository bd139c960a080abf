# The verbs of this repository. `make help` lists them.
#
# Settings, by the environment or as arguments (`make up PORT=9001`):
#   PORT       of the HTTP API                                         9000
#   REDIS_URL  redis://[[user]:password@]host[:port]                   a Redis of our own
#   USER_REDIS_URL, FRIEND_REDIS_URL, VIEW_REDIS_URL
#              the Redis of one context alone, in the same form        REDIS_URL
#   DATA_DIR   where its data and the logs are kept                    .local
#   RUNTIME    embedded, or spin for the Spin CLI                      embedded
#   REGISTRY   where `make image` and `make push` bring things         none

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Where cargo puts the native programs. The components are always in ./target, where spin.toml looks for them.
NATIVE := $(or $(CARGO_TARGET_DIR),target)/native
SOCIAL := $(NATIVE)/social
URL     = http://127.0.0.1:$(or $(PORT),9000)

# The load generator: where scenarios are, and what every run is told. ARGS is for the rest, such as `ARGS="--seed 7"`.
LOAD      := $(NATIVE)/load
SCENARIOS := tests/load/scenarios
LOAD_TO    = --url $(URL) --results $(or $(DATA_DIR),.local)/load $(ARGS)

# Every folder of functions/ is a component, but for the libraries.
COMPONENTS := $(sort $(filter-out domain event-store http,$(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))))

.PHONY: help setup build components programs up down observe test lint bench bench-load bench-graph verify dead-letters \
        replay rebuild load load-serial load-parallel load-hyperscale load-ramp image push k8s-render k8s-check

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@sed -n 's/^#   /  /p' $(firstword $(MAKEFILE_LIST))

up: build ## Start everything, follow the logs, stop everything on Ctrl-C
	@$(SOCIAL) up

down: ## Stop what `make up` started elsewhere
	@if [ -x $(SOCIAL) ]; then $(SOCIAL) down; else echo "Nothing is built, so nothing runs"; fi

observe: programs ## Watch the running system with Prometheus
	@sh infra/dev/setup.sh observe
	@$(SOCIAL) observe

setup: ## Install what is missing: Redis, the WebAssembly target
	@sh infra/dev/setup.sh

build: components programs ## Build the components and the native programs

components: setup
	@sh infra/dev/build-components.sh build $(COMPONENTS)

# All at once, never with -p: another selection would have other features of shared dependencies, and build the
# WebAssembly engine a second time.
programs: setup
	@cargo build --profile native

test: build ## Build everything and run every test
	@sh infra/dev/setup.sh observe
	@sh infra/dev/test.sh

lint: ## Formatting, and clippy without a warning, for programs and components
	@sh infra/dev/setup.sh lint
	@cargo fmt --all --check
	@cargo clippy --profile native --all-targets -- -D warnings
	@sh infra/dev/build-components.sh clippy $(COMPONENTS)

bench: build ## Measure; the raw output is kept; ARGS="--quick", or --rounds and --seconds
	@$(NATIVE)/bench $(ARGS)

bench-load: build ## Measure the breaking point of each load scenario; ARGS="--quick", or --rounds and --scenarios
	@$(NATIVE)/bench load $(ARGS)

bench-graph: build ## Measure the worker's graph; ARGS="--quick", or --graphs and --parts
	@cargo build --profile native --examples
	@$(NATIVE)/bench graph $(ARGS)

verify: programs ## Fold the log again and compare with what is stored
	@$(SOCIAL) verify

dead-letters: programs ## Show the events that a projection could not apply
	@$(SOCIAL) dead-letters

replay: programs ## Apply the dead letters again
	@$(SOCIAL) replay

rebuild: programs ## Rebuild a projection from the log: make rebuild PROJECTION=directory
	@$(SOCIAL) rebuild $(PROJECTION)

load: programs ## Put the running system under any load: make load SCENARIO=file.toml (tests/load/README.md)
	@$(LOAD) run $(or $(SCENARIO),$(error SCENARIO is missing: make load SCENARIO=$(SCENARIOS)/reads.toml)) $(LOAD_TO)

load-serial: programs ## A network of 15 people and 300 calls of addFriend, one call at a time
	@$(LOAD) run $(SCENARIOS)/serial.toml $(LOAD_TO)

load-parallel: programs ## A network of 600 people and 2,000 friendships, as parallel as it goes
	@$(LOAD) run $(SCENARIOS)/parallel.toml $(LOAD_TO)

load-hyperscale: programs ## 20,000 people, 100,000 friendships, then everyday traffic and a rush
	@$(LOAD) run $(SCENARIOS)/hyperscale.toml $(LOAD_TO)

load-ramp: programs ## Raise the rate until the system does not hold it, with SCENARIO's mix or hyperscale's
	@$(LOAD) ramp $(or $(SCENARIO),$(SCENARIOS)/hyperscale.toml) $(LOAD_TO)

# Where the Python packages of tests/deploy are.
DEPLOY := .local/deploy/bin/python

image: ## Build the worker's container image
	@sh infra/docker/publish.sh image

push: ## Push image and application: make push REGISTRY=ghcr.io/you/social-network
	@sh infra/docker/publish.sh push

k8s-render: ## Render every overlay of infra/k8s into .local/k8s
	@sh infra/dev/setup.sh deploy
	@$(DEPLOY) tests/deploy/render.py

k8s-check: ## Validate what is rendered, and test every promise of it
	@sh infra/dev/setup.sh deploy
	@$(DEPLOY) -m pytest -q -p no:cacheprovider tests/deploy --ignore tests/deploy/test_programs.py --ignore tests/deploy/test_worker_image.py
