# SPDX-License-Identifier: Apache-2.0
#
# A thin face: each target is one line to Meson or to a script in tools/. `make help` tells them.

prefix ?= /usr/local
SEEDS ?= 200
FUZZ_SECONDS ?= 30
MINUTES ?= 30

build: ## build/tallyman, a release build (needs what `make deps` installs)
	@tools/install-packages --check build || { echo "run: make deps" >&2; exit 1; }
	@TARGETS=tallyman tools/build build -Dtests=false -Dprefix=$(prefix)

run: ## see it work: installs, builds, collects from talking containers until Ctrl-C
	@tools/install-packages build run
	@$(MAKE) --no-print-directory build
	@tools/demo

check: ## all tests, in a release and two sanitizer builds; ends with one line of sums
	@tools/install-packages build check
	@tools/check

backends: ## build the real servers that tests run beside us, once, into a cache folder
	@tools/install-packages backends
	@tools/backends

bench: ## measure, and compare with what is measured beside it
	@tools/install-packages build check bench
	@tools/build build -Dtests=false -Dprefix=$(prefix)
	@bench/run

fuzz: ## each parser's fuzzer for FUZZ_SECONDS (30), beginning with its corpus
	@tools/install-packages build check
	@tools/fuzz $(FUZZ_SECONDS)

sim: ## the simulation: SEEDS (200) lives of files, crashes and failing disks
	@tools/install-packages build check
	@tools/build build-sim
	@build-sim/tests/sim/sim --seeds $(SEEDS)

smoke: ## MINUTES (30) of everything at once on a real Engine, with a report (KEEP=1: docs/smoke)
	@tools/install-packages build check
	@tools/build build -Dtests=false -Dprefix=$(prefix)
	@tools/smoke $(MINUTES)

coverage: ## lines that the unit tests reach, by folder
	@tools/install-packages build check
	@tools/coverage

install: build ## into DESTDIR and prefix (/usr/local)
	@meson install -C build --no-rebuild

deps: ## install the packages that building needs
	@tools/install-packages build

deps-check: ## name the packages that building, running and checking would install
	@tools/install-packages --check build run check

clean: ## remove all that was built here
	rm -rf build build-check-* build-sim build-fuzz build-smoke-report build-coverage

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: build run check backends bench fuzz sim smoke coverage install deps deps-check clean help
