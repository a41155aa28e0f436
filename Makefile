# Everything a fresh Debian 12 with git, make and rustup's Rust needs is set up by the targets
# themselves; what is already there is left alone. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# ---- what is installed, by version ---------------------------------------------------------
# A C compiler builds SQLCipher, zstd and AWS-LC; SQLCipher takes its AES from Debian's libcrypto; tests end
# processes with `kill` of procps.
APT_PACKAGES    := build-essential ca-certificates libssl-dev procps python3-venv
RUST            := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
WASM            := wasm32-unknown-unknown
NEXTEST_VERSION := 0.9.151
DENY_VERSION    := 0.20.2
TYPOS_VERSION   := 1.52.0
FUZZ_VERSION    := 0.13.2
# The compiler of the C sources in the browser's engine.
APT_ENGINE      := clang-19 llvm-19
NODE_VERSION    := 26.10.0
NPM_VERSION     := 12.2.1
# The browser that `make browser-test` drives, and a small font with Chinese characters.
APT_BROWSER     := chromium fonts-wqy-microhei

# The tools live inside the checkout, so that a machine's own copy at another version is never used.
TOOLS   ?= $(CURDIR)/target/tools
STAMPS  := $(TOOLS)/stamps
NEXTEST := $(TOOLS)/bin/cargo-nextest nextest
DENY    := $(TOOLS)/bin/cargo-deny
TYPOS   := $(TOOLS)/typos/bin/typos
NODE    := $(TOOLS)/node/node_modules/.bin

CARGO_HOME ?= $(HOME)/.cargo
export PATH := $(PATH):$(CARGO_HOME)/bin
export CARGO_TERM_PROGRESS_WHEN ?= never

# A machine whose stable toolchain already is the pinned version need not fetch it a second time.
ifndef RUSTUP_TOOLCHAIN
ifeq ($(shell rustup toolchain list 2>/dev/null | grep '^$(RUST)-'),)
ifneq ($(shell rustc +stable --version 2>/dev/null | grep -F ' $(RUST) '),)
export RUSTUP_TOOLCHAIN := stable
endif
endif
endif
TOOLCHAIN := $(or $(RUSTUP_TOOLCHAIN),$(RUST))

# A tool is run a few times: a quick build of it matters more than a quick tool.
TOOL_PROFILE := CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=true
TOOL_INSTALL := $(TOOL_PROFILE) cargo install --quiet --locked --force --root $(TOOLS) --target-dir $(TOOLS)/build

# Installs those of these Debian packages that are missing.
define need
	@missing=(); \
	for p in $(1); do \
	  [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null || true)" = installed ] || missing+=($$p); \
	done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  command -v apt-get >/dev/null || { echo "install these (names are Debian's), then run make again: $${missing[*]}" >&2; exit 1; }; \
	  root=(); [ "$$(id -u)" = 0 ] || root=(sudo); \
	  echo "installing $${missing[*]}"; \
	  "$${root[@]}" apt-get update -qq; \
	  "$${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi
endef

.PHONY: help
help: ## Say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

# ---- set-up --------------------------------------------------------------------------------
.PHONY: setup
setup: toolchain tools ## Install everything that building, checking and testing need

.PHONY: toolchain
toolchain: ## Install only what building and running need
	$(call need,$(APT_PACKAGES))
	@command -v rustup >/dev/null || { echo "rustup is needed: it installs the pinned Rust $(RUST)" >&2; exit 1; }
	@rustup toolchain list | grep -q '^$(TOOLCHAIN)' || \
	  rustup toolchain install $(TOOLCHAIN) --profile minimal --component clippy --component rustfmt --target $(WASM) --no-self-update
	@have=$$(rustup component list --toolchain $(TOOLCHAIN) --installed); \
	for c in clippy rustfmt; do grep -q "^$$c" <<<"$$have" || rustup component add --toolchain $(TOOLCHAIN) $$c; done; \
	grep -q '^rust-std-$(WASM)$$' <<<"$$have" || rustup target add --toolchain $(TOOLCHAIN) $(WASM)

.PHONY: tools
tools: $(STAMPS)/cargo-nextest-$(NEXTEST_VERSION) $(STAMPS)/cargo-deny-$(DENY_VERSION) $(STAMPS)/typos-$(TYPOS_VERSION)
	@rm -rf $(TOOLS)/build

$(STAMPS):
	@mkdir -p $@

$(STAMPS)/cargo-nextest-$(NEXTEST_VERSION): | toolchain $(STAMPS)
	@echo "installing cargo-nextest $(NEXTEST_VERSION) (some minutes, once)"
	@$(TOOL_INSTALL) --version $(NEXTEST_VERSION) --no-default-features --features default-no-update cargo-nextest
	@touch $@

$(STAMPS)/cargo-deny-$(DENY_VERSION): | toolchain $(STAMPS)
	@echo "installing cargo-deny $(DENY_VERSION) (some minutes, once)"
	@$(TOOL_INSTALL) --version $(DENY_VERSION) cargo-deny
	@touch $@

$(STAMPS)/typos-$(TYPOS_VERSION): | toolchain $(STAMPS)
	@echo "installing typos $(TYPOS_VERSION)"
	@rm -rf $(TOOLS)/typos && python3 -m venv $(TOOLS)/typos
	@$(TOOLS)/typos/bin/pip install --quiet --only-binary :all: typos==$(TYPOS_VERSION)
	@touch $@

# ---- the pages ---------------------------------------------------------------------
# Debian's Node is years behind what the pages' tools accept. Its npm, or the machine's, fetches the pinned Node, which is a
# package like any other, and with it the pinned npm.
NODE_STAMP := $(STAMPS)/node-$(NODE_VERSION)-npm-$(NPM_VERSION)
NODE_CPU    = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
NPM        := PATH="$(NODE):$$PATH" npm
export npm_config_audit := false
export npm_config_fund := false
export npm_config_update_notifier := false

$(NODE_STAMP): | toolchain $(STAMPS)
	$(if $(shell command -v npm),,$(call need,nodejs npm))
	@echo "installing Node $(NODE_VERSION)"
	@rm -rf $(TOOLS)/node && mkdir -p $(TOOLS)/node
	@npm install --prefix $(TOOLS)/node --ignore-scripts --loglevel=error \
	  node-linux-$(NODE_CPU)@$(NODE_VERSION) npm@$(NPM_VERSION) >/dev/null
	@[ "$$($(NODE)/node --version)" = v$(NODE_VERSION) ]
	@touch $@

WEB         := server/web
ENGINE      := $(WEB)/src/tablet/engine/engine_bg.wasm
ENGINE_CC   := CC_wasm32_unknown_unknown=clang-19 AR_wasm32_unknown_unknown=llvm-ar-19
ENGINE_FROM := $(shell find client-core sync-protocol -name '*.rs') Cargo.lock $(wildcard Cargo.toml */Cargo.toml */*/Cargo.toml)
BUILT       := $(or $(CARGO_TARGET_DIR),target)
BROWSER     := tests/browser
WEB_MADE    := $(WEB)/dist/tablet/tablet.html
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f -not -path "*/engine/*") $(addprefix $(WEB)/,index.html tablet.html svelte.config.js tsconfig.json vite.config.ts)

%/node_modules/.package-lock.json: %/package-lock.json $(NODE_STAMP)
	@cd $* && $(NPM) ci --ignore-scripts --loglevel=error >/dev/null
	@touch $@

$(ENGINE): $(ENGINE_FROM) | toolchain
	$(call need,$(APT_ENGINE))
	@echo "compiling the engine for the browser (some minutes, the first time)"
	@$(ENGINE_CC) cargo rustc --locked --quiet -p sojourn-client-core --lib --crate-type cdylib --target $(WASM) --profile engine
	@cargo run --locked --quiet -p sojourn-web-module -- $(BUILT)/$(WASM)/engine/sojourn_client_core.wasm $(dir $@)

.PHONY: web
web: $(WEB_MADE) ## Build the console's and the tablet's pages, which the server's program then holds

$(WEB_MADE): $(WEB_SOURCES) $(ENGINE) $(WEB)/node_modules/.package-lock.json
	@cd $(WEB) && $(NPM) run --silent build -- --logLevel warn
	@touch $@

.PHONY: web-lint
web-lint: $(ENGINE) $(WEB)/node_modules/.package-lock.json $(BROWSER)/node_modules/.package-lock.json
	@cd $(WEB) && $(NPM) run --silent lint && $(NPM) run --silent check
	@cd $(BROWSER) && $(NPM) run --silent lint && $(NPM) run --silent check

.PHONY: web-test
web-test: $(WEB)/node_modules/.package-lock.json
	@cd $(WEB) && $(NPM) run --silent test

.PHONY: browser-test
browser-test: toolchain web $(BROWSER)/node_modules/.package-lock.json ## Drive the console and the tablet in a browser, beside real ones
	$(call need,$(APT_BROWSER))
	cargo build --locked --workspace --bins
	@cd $(BROWSER) && $(NPM) run --silent test

# ---- checks --------------------------------------------------------------------------------
.PHONY: fmt
fmt: toolchain ## Format every Rust file
	cargo fmt --all

.PHONY: lint
lint: setup web web-lint ## Formatting, clippy, rustdoc, licences and sources, spelling, the browser build, the pages
	cargo fmt --all --check
	$(TYPOS)
	$(DENY) --locked check --hide-inclusion-graph bans licenses sources
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --all-features
	$(ENGINE_CC) cargo clippy --locked -p sojourn-client-core --lib --target $(WASM) --profile engine -- -D warnings

# One build with the tests' features, so that the programs the tests start are the ones just built.
.PHONY: test
test: lint ## Set up, lint, then run every test
	@$(MAKE) web-test
	cargo build --locked --workspace --bins --tests
	cargo test --locked --workspace --doc --quiet
	$(NEXTEST) run --locked --workspace
	@$(MAKE) browser-test

# ---- hostile input and killed processes, for longer than a test ----------------------------
$(STAMPS)/cargo-fuzz-$(FUZZ_VERSION): | toolchain $(STAMPS)
	@echo "installing cargo-fuzz $(FUZZ_VERSION)"
	@$(TOOL_INSTALL) --version $(FUZZ_VERSION) cargo-fuzz
	@touch $@

# What libFuzzer finds worth keeping goes to target/fuzz; `make fuzz-keep` takes the smallest set of it into the tree. No
# sanitizer: those need another compiler, and nothing of ours is unsafe.
FUZZ_KEPT  := tests/fuzz/corpus
FUZZ_FOUND := $(CURDIR)/target/fuzz
SECONDS_EACH ?= 60
DECODERS ?= $(notdir $(wildcard $(FUZZ_KEPT)/*))
FUZZ_RUN = cd tests/fuzz && PATH="$(TOOLS)/bin:$$PATH" cargo fuzz run --fuzz-dir . --sanitizer none $$decoder

.PHONY: fuzz
fuzz: toolchain $(STAMPS)/cargo-fuzz-$(FUZZ_VERSION) ## Search for bytes that a decoder does not survive (DECODERS='change saved' SECONDS_EACH=60)
	@for decoder in $(DECODERS); do \
	  mkdir -p $(FUZZ_FOUND)/$$decoder; \
	  ( $(FUZZ_RUN) $(FUZZ_FOUND)/$$decoder corpus/$$decoder -- -max_total_time=$(SECONDS_EACH) -rss_limit_mb=512 -timeout=20 ); \
	done

.PHONY: fuzz-keep
fuzz-keep: toolchain $(STAMPS)/cargo-fuzz-$(FUZZ_VERSION) ## Take what `make fuzz` found into the tree, as few inputs as cover the same
	@for decoder in $(DECODERS); do \
	  mkdir -p $(FUZZ_FOUND)/$$decoder $(FUZZ_FOUND)/kept/$$decoder; \
	  ( $(FUZZ_RUN) $(FUZZ_FOUND)/kept/$$decoder corpus/$$decoder $(FUZZ_FOUND)/$$decoder -- -merge=1 -max_len=2000 ); \
	  rm -r $(FUZZ_KEPT)/$$decoder; cp -r $(FUZZ_FOUND)/kept/$$decoder $(FUZZ_KEPT)/$$decoder; \
	done

VILLAGES ?= 200
.PHONY: hostile
hostile: toolchain ## Put ten million mutants through the ingest (VILLAGES=200, 50,000 each; stopped, it goes on where it was)
	cargo run --locked --release --quiet -p sojourn-tests --bin hostile -- ingest --villages $(VILLAGES) --log target/hostile.jsonl

ROUNDS ?= 500
.PHONY: soak
soak: toolchain ## Kill tablet and server at random moments, with room and on a full disk (ROUNDS=500 each)
	cargo build --locked --release --workspace --bins
	for side in tablet server; do \
	  target/release/soak $$side --rounds $(ROUNDS); \
	  target/release/soak $$side --rounds $(ROUNDS) --disk-mib 48; \
	done

# ---- the tests themselves -------------------------------------------------------------------
.PHONY: mutants
mutants: toolchain ## Put deliberate bugs in, one at a time: the simulated world must catch each
	cargo build --locked -p sojourn-tests --bin mutants
	target/debug/mutants $(MUTANTS)

# ---- running -------------------------------------------------------------------------------
.PHONY: demo
demo: toolchain web ## One day in four villages, checked; leaves the server running (ONCE=1: exits)
	cargo build --locked --workspace --bins
	cargo run --locked --quiet -p sojourn-tests --bin demo

.PHONY: bench
bench: toolchain ## Measure what the project promises (BENCH='storm idle': only these)
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet -p sojourn-tests --bin bench -- $(BENCH)
