# Every target runs on the Node that `npm ci` brings, so an older system Node is enough to begin with.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

MODULES := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup lint docs test dev console bench image release up down

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

$(MODULES): package-lock.json
	npm ci --no-progress
	@touch $@

setup: $(MODULES) ## Install packages, and what tests and dev run: store servers, a browser, Prometheus
	node tools/dev/stores/scripts/install.ts --system-packages
	node tools/dev/sdk/scripts/install-chromium.ts
	node tools/dev/prometheus/scripts/install.ts

lint: $(MODULES) ## Check types, style, imports, manifests, generated pages and links
	node tools/lint.ts

docs: $(MODULES) ## Write the pages of docs/ and the types that come from code and schemas
	node tools/docs.ts

test: $(MODULES) ## Run all tests; ARGS="part/of/path ..." runs only those
	node tools/test.ts $(ARGS)

console: $(MODULES) ## Build the web console, which `make dev` and images serve at /console/
	node services/console/scripts/build-console.ts

dev: console ## Run the whole service in one process, with its own stores; ARGS are openimctl dev's
	openimctl dev $(ARGS)

bench: $(MODULES) ## Measure latency, CPU and memory under load; ARGS are openimctl bench's
	openimctl bench $(ARGS)

image: $(MODULES) ## Build the container image for amd64 and arm64 into dist/image.tar, without Docker; ARGS="--arch amd64" for one
	node tools/dev/kubernetes/scripts/image.ts $(ARGS)

release: $(MODULES) ## Build the archive of openimctl, also a kubectl plugin, into dist/release; ARGS="--url <where it will be downloaded from>"
	node tools/release.ts $(ARGS)

up: $(MODULES) ## Bring up Kubernetes, the operator and the service, and send a first message between two users
	node tools/dev/cluster/scripts/up.ts up

down: $(MODULES) ## Stop what `make up` started; WIPE=1 removes data and caches too
	node tools/dev/cluster/scripts/up.ts down
