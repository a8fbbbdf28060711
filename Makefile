# Two commands do everything on a fresh machine: `make run` and `make test`.

SHELL := /bin/bash
CARGO ?= cargo
# The server that `make run` starts and that `make conformance` asks.
LISTEN ?= 127.0.0.1:8080
DATA ?= target/data

# For each fuzz target.
FUZZ_SECONDS ?= 30

.PHONY: run test fmt lint unit fuzz fuzz-api docs conformance bench help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## Build everything and start a server with the examples
	$(CARGO) build --release -p maestro-cli
	LISTEN=$(LISTEN) DATA=$(DATA) scripts/run-with-examples

test: fmt lint unit fuzz ## Format check, clippy, all tests, a minute of fuzzing

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

unit:
	@command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest
	$(CARGO) nextest run --workspace $(if $(CI),--profile ci,)
	$(CARGO) test --workspace --doc

fuzz: ## Feed SEL with mutated texts; FUZZ_SECONDS for each of two targets
	scripts/fuzz $(FUZZ_SECONDS)

docs: ## Build the API documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

conformance: ## Start a server and count the recorded scenarios that pass, by area
	$(CARGO) build --release -p maestro-cli
	scripts/conformance

fuzz-api: ## Fuzz a server by its own API description, for about a minute
	$(CARGO) test --workspace --no-run # makes the program as `make test` did: nothing to do after it
	scripts/fuzz-api

bench: ## Measure the speed (see docs/benchmarks.md)
	$(CARGO) build --release -p maestro-cli -p maestro-bench
	target/release/maestro-bench http
	target/release/maestro-bench definitions
