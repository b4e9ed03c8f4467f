# Needs Go, git and GNU make 3.82 or newer. Everything else is pinned in tools/*/go.mod and built on first use.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
unexport CDPATH # cd would go elsewhere

GO        ?= go
BINARY    := healthcheck_exporter
PKGS      ?= ./...
ARGS      ?=
TESTFLAGS ?=
FUZZTIME  ?= 30s
BENCH     ?= .
BENCHOUT  ?= dist/bench.txt
BENCHBASE ?=

VERSION_PKG := github.com/prometheus/common/version

# The revision is set with -X below. Letting the go command look for it as well makes it fail in a checkout that
# git does not trust, as in a container that runs as another user.
export GOFLAGS := $(strip $(filter-out -buildvcs%,$(shell $(GO) env GOFLAGS 2>/dev/null)) -buildvcs=false)

GOLANGCI_LINT = $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
GOVULNCHECK   = $(GO) tool -modfile=tools/govulncheck/go.mod govulncheck
BENCHSTAT     = $(GO) tool -modfile=tools/benchstat/go.mod benchstat

.PHONY: help
help: ## show this list (the default)
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## build ./healthcheck_exporter, static; GOOS and GOARCH choose the platform
	@stamp() { # SOURCE_DATE_EPOCH makes the build repeatable
		local epoch=$${SOURCE_DATE_EPOCH:-} format=+%Y%m%d-%H:%M:%S
		if [[ -z $$epoch ]]; then date -u "$$format"
		else date -u -d "@$$epoch" "$$format" 2>/dev/null || date -u -r "$$epoch" "$$format"
		fi
	}
	revision=$${REVISION:-$$(git rev-parse --verify --quiet HEAD 2>/dev/null || echo unknown)}
	branch=$${BRANCH:-$$(git symbolic-ref --short --quiet HEAD 2>/dev/null || echo unknown)}
	user=$${BUILD_USER:-$$(id -un)@$$(uname -n)}
	user=$${user// /_} # names of people have blanks, on Windows above all
	echo ">> building $(BINARY) $$(<VERSION)"
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w \
		-X $(VERSION_PKG).Version=$$(<VERSION) \
		-X $(VERSION_PKG).Revision=$$revision \
		-X $(VERSION_PKG).Branch=$$branch \
		-X $(VERSION_PKG).BuildUser=$$user \
		-X $(VERSION_PKG).BuildDate=$$(stamp)" \
		-o "$(BINARY)$$($(GO) env GOEXE)" .

.PHONY: run
run: build ## build and start it with the built-in configuration; ARGS='--log.level=debug' adds flags
	@exec ./$(BINARY) $(ARGS)

.PHONY: test
test: ## run all tests, with the race detector where it can be built
	@race=-race
	# runtime/cgo is the part of a -race build that needs cgo and a working C compiler.
	if ! why=$$($(GO) build -race runtime/cgo 2>&1); then
		race=
		echo "make test: WITHOUT the race detector, it cannot be built here: $$(tail -n 1 <<<"$$why")" >&2
	fi
	echo ">> go test $${race:+$$race }-shuffle=on $(strip $(TESTFLAGS) $(PKGS))"
	$(GO) test $$race -shuffle=on $(TESTFLAGS) $(PKGS)

.PHONY: model
model: ## play 100,000 random incidents against the restart policy; with the race detector, make test plays 3,000
	@echo ">> go test -run TestModel ./internal/restart/policy"
	$(GO) test -count=1 -run '^TestModel$$' ./internal/restart/policy -model.incidents=100000

.PHONY: check
check: check-mod check-fmt vet lint check-imports test model check-bench check-golden check-docs check-mixin check-examples check-helm check-alertconf check-openapi ## everything that a change must pass
	@echo ">> all checks passed"

.PHONY: check-bench
check-bench: ## run every Go benchmark once
	@echo ">> go test -bench . -benchtime 1x"
	dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n 1 dirname | sort -u)
	$(GO) test -run '^$$' -bench . -benchtime 1x $$dirs

.PHONY: check-mod
check-mod: ## go.mod and go.sum are tidy and the modules unchanged
	@echo ">> go mod tidy -diff; go mod verify"
	$(GO) mod tidy -diff
	$(GO) mod verify

.PHONY: check-fmt
check-fmt: ## fail where make fmt would change something
	@echo ">> golangci-lint fmt --diff"
	$(GOLANGCI_LINT) fmt --diff

.PHONY: fmt
fmt: ## format the Go and jsonnet files
	@$(GOLANGCI_LINT) fmt
	$(MAKE) -C mixin fmt

.PHONY: vet
vet: ## run go vet
	@echo ">> go vet $(PKGS)"
	$(GO) vet $(PKGS)

.PHONY: lint
lint: ## run the linters of .golangci.yml; the first run compiles them, a few minutes
	@echo ">> golangci-lint run $(PKGS)"
	$(GOLANGCI_LINT) run $(PKGS)

.PHONY: check-imports
check-imports: ## break every rule about imports in a copy, and want it found
	@echo ">> go test -tags imports -run TestImports"
	$(GO) test -count=1 -tags imports -run '^TestImports$$' .

# Only a package whose tests import this one knows the flag; go test fails in every other. The tag is for those that need helm.
GOLDEN_DIRS = grep -rlF --include='*_test.go' '/internal/golden"' . | xargs -n 1 dirname | sort -u

.PHONY: golden
golden: ## rewrite the golden files from what the code does now; look at the diff
	@dirs=$$($(GOLDEN_DIRS)) || { echo "no package has golden files"; exit 0; }
	for dir in $$dirs; do
		echo ">> go test $$dir -update"
		$(GO) test -tags helm "$$dir" -update
	done

.PHONY: check-golden
check-golden: ## fail where make golden would change something (it works on a copy)
	@echo ">> golden files"
	tmp=$$(mktemp -d)
	trap 'rm -rf "$$tmp"' EXIT
	skip=(--exclude=.git --exclude=.build --exclude=.tarballs --exclude=dist --exclude=node_modules)
	tar -cf - "$${skip[@]}" . | tar -xf - -C "$$tmp"
	$(MAKE) -C "$$tmp" golden
	diff -ru "$${skip[@]}" . "$$tmp" || { echo "golden files are stale, or differ from run to run: make golden" >&2; exit 1; }

.PHONY: check-docs
check-docs: ## version numbers agree
	@echo ">> version numbers"
	bad=0
	complain() { echo "$$*" >&2; bad=1; }
	version=$$(<VERSION)
	grep -qE "^## $${version//./\\.} / " CHANGELOG.md || complain "CHANGELOG.md: no section for version $$version"
	go=$$(sed -nE 's/^go ([0-9]+\.[0-9]+).*/\1/p' go.mod)
	grep -qE "golang:$${go//./\\.}[.-]" Dockerfile || complain "Dockerfile: go.mod wants Go $$go"
	grep -qE "version: *\"?$${go//./\\.}\"?$$" .promu.yml || complain ".promu.yml: go.mod wants Go $$go"
	exit $$bad

.PHONY: mixin
mixin: ## write the generated files of mixin/
	@$(MAKE) -C mixin generate

.PHONY: check-mixin
check-mixin: ## mixin: format, lint, generated files fresh, one runbook per alert, promtool tests
	@$(MAKE) -C mixin check

.PHONY: check-alertconf
check-alertconf: ## 1,000 random lists of channels, rendered and then loaded and routed by the code of Alertmanager
	@echo ">> go test in tools/alertconf"
	cd tools/alertconf && $(GO) test ./...

.PHONY: check-examples
check-examples: ## examples: time intervals, Compose and Kubernetes files, by the code of those programs (make test has the rest)
	@echo ">> go test in tools/examples"
	cd tools/examples && $(GO) test ./...

.PHONY: check-helm
check-helm: ## the Helm chart: rendered, linted, packed and refused by the pinned helm; the first run compiles that, a few minutes
	@echo ">> go test -tags helm ./packaging/helm"
	$(GO) test -tags helm -count=1 $(TESTFLAGS) ./packaging/helm

.PHONY: check-openapi
check-openapi: ## the API: every answer that its tests get is as internal/api/openapi.yaml describes it
	@echo ">> go test in tools/openapi"
	cd tools/openapi && $(GO) test -count=1 ./...

.PHONY: e2e
e2e: ## end to end: the exporter with a real Prometheus and Alertmanager (Debian packages of these names), and servers from npm
	@echo ">> go test -tags e2e ./e2e/..."
	# Most tests wait most of the time, beside each other. Some must be in time: those run alone, also without another package.
	$(GO) test -tags e2e -count=1 -timeout 45m -p 1 -parallel 3 $(TESTFLAGS) ./e2e/...

.PHONY: e2e-told
e2e-told: ## 20 minutes of an incident at the times of the shipped files: Slack hears of each change once; make e2e plays it in two minutes
	@echo ">> go test -tags e2e -run TestToldOnceSlowly ./e2e -e2e.told"
	$(GO) test -tags e2e -count=1 -timeout 40m -run '^TestToldOnceSlowly$$' -v $(TESTFLAGS) ./e2e -e2e.told

.PHONY: e2e-kubernetes
e2e-kubernetes: ## restarts in a real control plane of Kubernetes; builds it first, which takes two cores 20 minutes and 5 GB; needs etcd
	@echo ">> go test -tags e2e_kubernetes ./e2e/kubernetes/"
	$(GO) test -tags e2e_kubernetes -count=1 -timeout 120m -v $(TESTFLAGS) ./e2e/kubernetes/

.PHONY: demo
demo: ## a demonstration on the terminal: a service breaks, Slack hears of it, it is restarted, Slack hears that it is well
	@$(GO) run -tags e2e ./e2e/demo $(ARGS)

.PHONY: picture
picture: ## take docs/page.png anew, of the real page with a demonstration; needs chromium, and puppeteer from npm
	@echo ">> go test -tags e2e -run TestPicture ./e2e -e2e.picture"
	$(GO) test -tags e2e -count=1 -run '^TestPicture$$' -v $(TESTFLAGS) ./e2e -e2e.picture

.PHONY: bench-loop
bench-loop: ## measure failure to Slack, failure to webhook and recovery to Slack at intervals of 1 s, 5 s and 15 s; some five minutes
	@$(GO) run ./e2e/benchloop $(ARGS)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME each (30s)
	@list=$$($(GO) test -list '^Fuzz' $(PKGS)) || { echo "$$list" >&2; exit 1; }
	found=0
	while read -r pkg name; do
		found=1
		echo ">> $$pkg $$name for $(FUZZTIME)"
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 20x "$$pkg" </dev/null
	done < <(awk '/^Fuzz/ {names[++n] = $$1} $$1 == "ok" {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}' <<<"$$list")
	[[ $$found == 1 ]] || { echo "make fuzz: no fuzz target in $(PKGS)" >&2; exit 1; }

.PHONY: bench
bench: ## what a probe costs, beside a minimal prober and blackbox_exporter where that is installed; ARGS='-help' lists more
	@$(GO) run ./bench $(ARGS)

.PHONY: soak
soak: ## half an hour of probes of targets that misbehave: nothing may grow
	@$(GO) run ./bench -duration 30m $(ARGS) soak

.PHONY: siege
siege: ## ten minutes of all attacks at once, at 256 MiB and 256 descriptors: it must hold out; ARGS='-help' lists them
	@$(GO) run ./e2e/siege $(ARGS)

.PHONY: lab
lab: ## incidents on real processes under a real PM2, repaired by the exporter, a cron script and a plain rule; half an hour; ARGS='-help' lists them
	@$(GO) run ./e2e/lab $(ARGS)

.PHONY: bench-diff
bench-diff: ## run the Go benchmarks into dist/bench.txt; BENCHBASE=old.txt compares with an earlier file
	@mkdir -p "$(dir $(BENCHOUT))"
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) $(PKGS) | tee "$(BENCHOUT)"
	if [[ -n "$(BENCHBASE)" ]]; then $(BENCHSTAT) "$(BENCHBASE)" "$(BENCHOUT)"; fi

.PHONY: packages
packages: ## deb and rpm into dist/packages; PLATFORMS="linux/amd64" chooses some, also for release
	@packaging/build.sh packages

.PHONY: release
release: ## archives, packages, SBOMs and checksums of the commit into dist/release; RELEASING.md says what is next
	@packaging/build.sh release

.PHONY: image
image: ## an image for this machine's platform, healthcheck_exporter:VERSION, with labels of version and commit; needs docker
	@packaging/build.sh image

.PHONY: release-image
release-image: ## the image of the commit for a registry, ARGS="--platform=… --push -t …"; RELEASING.md says what Dockerfile needs
	@packaging/build.sh release-image

.PHONY: check-packages
check-packages: ## install, upgrade, remove and purge the packages in a private root; completion, pages, image; needs Debian, root, rpm, docker
	@$(MAKE) packages PLATFORMS="linux/$$($(GO) env GOARCH)"
	echo ">> go test -tags packages ./packaging"
	$(GO) test -tags packages -count=1 -v $(TESTFLAGS) ./packaging
	echo ">> go test in tools/sbom"
	cd tools/sbom && $(GO) test -count=1 ./...

.PHONY: check-reproducible
check-reproducible: ## make release twice, in two directories of one commit, and want the same bytes
	@packaging/reproducible.sh

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the code calls; asks the Go vulnerability database
	@$(GOVULNCHECK) $(PKGS)

.PHONY: clean
clean: ## remove what the other targets made here
	@rm -rf "$(BINARY)" "$(BINARY).exe" .build .tarballs dist coverage.out
