# portti. `make run` sets everything up and runs a gateway with a demo world;
# `make test` runs every test; the other targets are for those who work on it.
SHELL := /bin/bash
export GOTOOLCHAIN ?= auto
# go-sqlite3 is the larger part of a cold build; these flags halve it.
export CGO_CFLAGS ?= -O2 -g0
# Journeys in the browser keep their pictures here.
export PORTTI_SCREENSHOTS ?= $(CURDIR)/var/screenshots
GO ?= go
DATA ?= var/demo
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
LDFLAGS := -s -w -X main.commit=$(COMMIT)
.DEFAULT_GOAL := help
.PHONY: help run build test lint bench fuzz property torture mutants judges test-shared setup go-version

help: ## shows this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## sets up, builds, makes the demo world, archives its samples and stays up
	@bin/portti demo --data $(DATA)

build: setup ## builds bin/portti
	@echo "building bin/portti (a first build compiles SQLite: about two minutes)"
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/portti ./cmd/portti

# Tests that under the race detector do a sample of their work (internal/share), and
# then the whole of it without.
WHOLE := ^Test(TEST2_OurGatewayPassesEveryCase|EveryCaseFindsAMutant|EveryMutantIsFoundByItsGoldenCases|EveryClientMutantIsFound|EveryClientCaseFindsAMutant|DOC12_META4_EveryVectorThroughEveryDoor|MIG1_NothingIsLostOrDoubledWhenKilled|ByteFormsChangeNoVerdict|ARK3_RandomOperationsAgreeWithAModel|Scripts|AllDoorsSayTheSameOf.*|TEST2_BrowserJourneysOfJointTesting|ARK9_CheckNamesEveryKindOfDamage|ARK9_NoColumnChangesUnseen|ARK9_BitFlipsAreFoundOrHarmless|ARK9_FailureAtEveryOperationIsSurvived|ARK9_PowerCutAtEveryOperation|ARK9_DamagedBackupIsRefused|ARK11_NothingAcknowledgedIsLostByKill)$$

test: setup lint ## runs every test under the race detector, and long ones once more in full
	$(GO) test -race -timeout 40m ./...
	PORTTI_SEQUENCES=$${PORTTI_SEQUENCES:-500} $(GO) test -timeout 40m -run '$(WHOLE)' ./cmd/portti ./gateway/pipeline ./store

lint: setup ## go vet, staticcheck and gofmt
	@test -z "$$(gofmt -l .)" || { echo "gofmt these files:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench: setup ## measures and writes BENCHMARKS.md
	bash scripts/bench

fuzz: setup ## long differential tests, then every fuzz target for FUZZTIME (default 1m)
	bash scripts/fuzz

property: setup ## runs the property tests with 2,000 cases each
	bash scripts/property

torture: setup ## kills gateway and archive 10,000 times under load, flips 100,000 bits, cuts the power at every write (of backups, restores, rotations and migrations too), kills a migration
	PORTTI_TORTURE=500 $(GO) test -timeout 180m -run 'Kill' -v ./gateway
	PORTTI_TORTURE=10000 $(GO) test -timeout 600m -run 'Kill' -v ./store
	PORTTI_TORTURE=100000 $(GO) test -timeout 1200m -run 'BitFlips' -v ./store
	PORTTI_TORTURE=1000000 $(GO) test -timeout 600m -run 'PowerCut|FailureAt|Unsynced' -v ./store
	PORTTI_TORTURE=2000 $(GO) test -timeout 180m -run 'DamagedBackup' -v ./store
	PORTTI_MIGRATE=20000,50 $(GO) test -timeout 180m -run 'MIG1_NothingIsLostOrDoubledWhenKilled' -v ./cmd/portti

mutants: setup ## every joint-test case against every broken archive, or those of PORTTI_MUTANTS=NAME,NAME*
	$(GO) test -tags mutants -timeout 180m -run 'Mutant' -v ./cmd/portti

judges: go-version ## tests against other people's programs and libraries; fails where one is missing
	@bash scripts/setup judges
	PORTTI_REQUIRE=judges $(GO) test -tags judges -timeout 60m ./...

test-shared: go-version ## tests against the shared samples and schemas; fails on any skip
	@bash scripts/setup judges
	@mkdir -p var
	PORTTI_REQUIRE=shared,judges $(GO) test -timeout 60m -v ./... > var/test-shared.log; r=$$?; \
	grep -E '^(ok|FAIL|panic:)|^ *--- (FAIL|SKIP)' var/test-shared.log; \
	if [ $$r -ne 0 ] || grep -qE '^ *--- SKIP' var/test-shared.log; then echo "failed or skipped: see var/test-shared.log"; exit 1; fi

setup: go-version ## installs what the build needs, or prints the line that does
	@bash scripts/setup build

go-version:
	@command -v $(GO) >/dev/null || { echo "Go is missing: https://go.dev/doc/install"; exit 1; }
	@v=$$($(GO) env GOVERSION | sed 's/^go1\.//; s/[^0-9].*//'); \
	if [ "$${v:-0}" -lt 21 ]; then echo "this Go is too old to fetch the one in go.mod; run: $(GO) install golang.org/dl/go1.26.8@latest && go1.26.8 download, then make GO=go1.26.8 $(MAKECMDGOALS)"; exit 1; fi
