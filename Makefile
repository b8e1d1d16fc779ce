# The front door. Every target works from a fresh clone; running one again is quick.
# They call scripts/ and the presets of CMakePresets.json.
PREFIX ?= /usr/local

.PHONY: help setup build demo test check measure-build fuzz bench stats proofs proofs-full theorem-status viewer viewer-test install format

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 24

setup:  ## install the Debian packages that the program needs (scripts/packages.txt)
	@scripts/setup.sh

build: setup  ## build the programs: build/release/bin/routegauge and routegauge-theorems
	@scripts/build.sh

demo: setup  ## measure the shipped model on two demo domains; ends with the verdict table
	@scripts/demo.sh

test: setup  ## build and run every test, sanitizers and fuzz targets included
	@scripts/test.sh

check: setup  ## arrows, error ids, layout and unit tests: about a minute after a build
	@scripts/check.sh

measure-build: setup  ## what compiling costs, file by file, without a compiler cache
	@scripts/measure_build.sh

fuzz: setup  ## run every fuzz target for FUZZ_SECONDS (default 60) each
	@scripts/fuzz.sh

bench: setup  ## measure speed and memory; figures in build/bench/performance.json
	@scripts/bench.sh

stats: setup  ## simulate level and power of every test: docs/statistics.json and its page; minutes
	@scripts/stats.sh

proofs:  ## check the machine-checked theorems of proofs/ from a clean build
	@scripts/proofs.sh

proofs-full:  ## the same, every library underneath checked again too; before a release
	@scripts/proofs.sh --full

theorem-status:  ## write proofs/theorem_status.json after a change of proofs/ or theorems/
	@scripts/proofs.sh --write

viewer:  ## build the page of the theorems: build/viewer/theorems.html; needs Node 18, installs it where it is missing
	@scripts/viewer.sh

viewer-test:  ## test that page, in a browser too; installs Debian's Chromium
	@scripts/viewer.sh --test

install: build  ## install program and schemas below PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

format: setup  ## lay out the C++ sources by .clang-format
	@git ls-files -z '*.h' '*.cc' | xargs -0 clang-format-14 -i
