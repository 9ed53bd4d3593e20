# podreeve: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Slow things are kept outside the repository and survive a clean clone.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/podreeve
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PODREEVE_CACHE ?= $(CACHE)
BIN := $(CARGO_TARGET_DIR)/debug/podreeve
RULE ?=
FILES ?=
E2E ?= 1

.PHONY: help
help: ## Show this list
	@echo "podreeve: a Kubernetes admission webhook for the OWASP container-security list"; echo
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  make test RULE=host-ports   one rule's examples"
	@echo "  make test E2E=0             without the cluster"
	@echo "  make mutants FILES=src/rules/pod/privileged.rs   one file's mutants"

.PHONY: need-cargo
need-cargo:
	@command -v cargo >/dev/null || { echo "podreeve: cargo is not on PATH; install Rust 1.89 or newer (rustup), then run make again"; exit 1; }
	@command -v cc >/dev/null || { echo "podreeve: no C compiler (cc) on PATH; install gcc or clang, then run make again"; exit 1; }

.PHONY: build
build: need-cargo
	@cargo build --locked --quiet

.PHONY: run
run: need-cargo ## Build and start the webhook on https://127.0.0.1:8443, show a verdict, keep serving
	@echo "podreeve: building (some minutes the first time)"
	@cargo build --locked --quiet
	@PODREEVE_BIN=$(BIN) scripts/run

.PHONY: check
check: need-cargo ## Format, clippy, unit tests: fast
	@cargo fmt --check
	@cargo clippy --locked --all-targets --quiet -- -D warnings
	@cargo test --locked --quiet --lib

.PHONY: test
ifneq ($(RULE),)
test: need-cargo ## Every test, end-to-end ones included
	@RULE=$(RULE) cargo test --locked --test rules
else
test:
	@E2E=$(E2E) PODREEVE_BIN=$(BIN) scripts/test
endif

.PHONY: test-fast
test-fast: ## What cargo alone can test: no Go, no cluster, no container
	@NEEDS=cargo scripts/needs
	@cargo fmt --check
	@PODREEVE_PARITY_PODS=0 cargo test --locked

.PHONY: test-more
test-more: build ## What `make test` leaves out: the newest Helm 4, Helm 3, certificates of cert-manager, pre-commit
	@scripts/needs
	@PODREEVE_BIN=$(BIN) scripts/integrations
	@PODREEVE_BIN=$(BIN) PODREEVE_E2E_MORE=1 e2e/run tools
	@PODREEVE_BIN=$(BIN) PODREEVE_E2E_MORE=1 e2e/run chart
	@PODREEVE_BIN=$(BIN) PODREEVE_E2E_MORE=1 e2e/run release

.PHONY: integrations
integrations: build ## The hooks in pre-commit itself, and the published schemas of GitHub and GitLab (needs python3)
	@PODREEVE_BIN=$(BIN) scripts/integrations

.PHONY: gen
gen: need-cargo ## Write the generated files (schemas, rule docs, manifests, the rules of each field)
	@cargo run --locked --quiet --example gen
	@INSTA_UPDATE=always cargo test --locked --quiet --test house each_field_has >/dev/null # the rules of each field
	@if command -v go >/dev/null; then cd e2e && go run ./cmd/chart; \
	else echo "podreeve: Go 1.26 or newer is not on PATH, so the chart's README and deploy/ were left as they are"; fi

MDBOOK_VERSION := 0.5.4
MDBOOK := $(CACHE)/mdbook/bin/mdbook

.PHONY: docs
docs: need-cargo ## Build the pages as a book, into the cache, and check their links (builds mdbook the first time)
	@[ "$$($(MDBOOK) --version 2>/dev/null)" = "mdbook v$(MDBOOK_VERSION)" ] || { echo "podreeve: building mdbook $(MDBOOK_VERSION) (minutes, once)"; \
		cargo install --locked --quiet --root $(CACHE)/mdbook --target-dir $(CACHE)/mdbook/target --version $(MDBOOK_VERSION) mdbook; rm -rf $(CACHE)/mdbook/target; }
	@cargo test --locked --quiet --test pages link
	@$(MDBOOK) build docs --dest-dir $(CACHE)/book
	@echo "podreeve: the book is in $(CACHE)/book/index.html"

.PHONY: bench
bench: need-cargo ## Measure CPU, allocations, memory and start against a webhook that only reads
	@benches/run

.PHONY: scale
scale: need-cargo ## Measure memory, calls and time in clusters of up to 50,000 pods, and write docs/scale.md (half an hour)
	@cargo build --locked --release --quiet
	@cd e2e && go run ./cmd/scale -podreeve $(CARGO_TARGET_DIR)/release/podreeve -page ../docs/scale.md

.PHONY: fuzz
fuzz: need-cargo ## Fuzz the decoder, the repairs, Dockerfiles, signatures and certificates for a minute each
	@fuzz/run

.PHONY: deny
deny: need-cargo ## Licences, sources, bans and known vulnerabilities of all crates (builds cargo-deny the first time)
	@scripts/deny

.PHONY: fuzz-parity
fuzz-parity: need-cargo ## Compare 200,000 generated pods and 50,000 updates with upstream's Pod Security (needs Go)
	@scripts/fuzz-parity

.PHONY: real-images
real-images: build ## Read images as people build them: Debian, and the shapes of Alpine and rpm (needs root and a mirror; minutes)
	@PODREEVE_BIN=$(BIN) scripts/real-images

.PHONY: real-nodes
real-nodes: build ## Compare podreeve with real daemons: dockerd with every TLS setting, rootless, containerd, podman, the kubelet (needs root and a mirror; three minutes)
	@PODREEVE_BIN=$(BIN) scripts/real-nodes

.PHONY: mutants
mutants: need-cargo ## Break the rules, the deciding and the patches in small ways; each must turn a test red
	@scripts/mutants $(FILES)

.PHONY: e2e
e2e: build ## End-to-end tests on a real kube-apiserver (KUBECONFIG target: see e2e/README.md)
	@scripts/needs
	@PODREEVE_BIN=$(BIN) e2e/run
	@PODREEVE_BIN=$(BIN) e2e/run release

.PHONY: image-signatures
image-signatures: build ## Sign an image with cosign and notation in every way, and verify it (builds cosign the first time: half an hour)
	@scripts/needs
	@PODREEVE_BIN=$(BIN) e2e/run signatures

.PHONY: e2e-versions
e2e-versions: build ## The end-to-end tests against each version of Kubernetes from 1.33 on (builds them the first time)
	@scripts/needs
	@PODREEVE_BIN=$(BIN) e2e/run versions

.PHONY: e2e-kind
e2e-kind: ## The Helm release on a kind cluster that it makes and removes (needs kind and docker)
	@e2e/kind

.PHONY: image
image: need-cargo ## Build the container image and run it (needs buildah, runc and root)
	@E2E=0 scripts/needs
	@image/test

.PHONY: release-dry-run
release-dry-run: need-cargo ## Every step of a release but GitHub's, with a registry on loopback and a key of its own (an hour the first time)
	@release/dry-run

.PHONY: reproducible
reproducible: need-cargo ## Build the image twice, in two folders, and compare the digests (needs buildah and root; half an hour)
	@release/reproducible
