# Everything a developer or a build machine does. `make help` lists it.
SHELL := /bin/bash
GO ?= go
GOLANGCI_VERSION := v2.15.0
TEST_FLAGS ?= -race
# Of the quickstart's account: what it provisions, and what other traffic uses of it, in request units a second.
REQUEST_UNITS ?= 10000
BACKGROUND ?= 1500
TEST_TIMEOUT ?= 25m

.PHONY: help build quickstart test test-double test-documentdb chaos fuzz lint bench bench-large clean

FUZZ_TIME ?= 30s
CHAOS_TIME ?= 15m

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

build: ## bin/vida, bin/vida-sandbox and bin/vida-bench
	$(GO) build -o bin/vida .
	cd sandbox && $(GO) build -o ../bin/ ./cmd/vida-sandbox ./cmd/vida-bench

quickstart: build ## the whole migration on this machine, with 20,000 generated orders, from an account of 10,000 RU/s
	@state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && \
	TOTAL_DOCUMENTS=$${TOTAL_DOCUMENTS:-20000} bin/vida-sandbox exec --orders --request-units $(REQUEST_UNITS) --background $(BACKGROUND) -- bin/vida run plans/full-migration.yaml --state "$$state"

test: build ## every test, against the embedded engine
	$(GO) vet ./...
	cd sandbox && $(GO) vet ./...
	$(GO) test $(TEST_FLAGS) -timeout $(TEST_TIMEOUT) ./...
	cd sandbox && $(GO) test $(TEST_FLAGS) -timeout $(TEST_TIMEOUT) ./...

# Tests whose documents and indexes an account takes as they are.
DOUBLE_TESTS := TestCopyAgain|TestConflictsGo|TestAnEmptyCollection|TestFinishedSteps|TestRefusedDocumentsAreKept|TestInterruptedBetween|TestVerifyContent

test-double: build ## end-to-end tests with a Cosmos DB account before the source
	bin/vida-sandbox exec --request-units 200000 --physical-partitions 4 -- \
		$(GO) test $(TEST_FLAGS) -count=1 -timeout $(TEST_TIMEOUT) -run '$(DOUBLE_TESTS)' ./e2e

test-documentdb: build ## the tests that need an engine, against DocumentDB
	@scripts/documentdb.sh install; status=$$?; \
	if [ $$status -eq 77 ] && [ -z "$$CI" ]; then echo "test-documentdb: skipped, see above"; exit 0; fi; \
	[ $$status -eq 0 ] || exit $$status; \
	(cd sandbox && VIDA_TEST_DOCUMENTDB=yes $(GO) test $(TEST_FLAGS) -count=1 -run DocumentDB ./engine) || exit; \
	scripts/documentdb.sh exec -- $(GO) test $(TEST_FLAGS) -count=1 -timeout $(TEST_TIMEOUT) ./endpoint/... ./plans/expression/... ./steps/... ./e2e/...

chaos: ## kills, restarts and faults of the wire on DocumentDB for CHAOS_TIME, then every byte is compared
	@scripts/documentdb.sh install; status=$$?; \
	if [ $$status -eq 77 ]; then echo "chaos: skipped, see above"; exit 0; fi; \
	[ $$status -eq 0 ] || exit $$status; \
	VIDA_CHAOS_TIME=$(CHAOS_TIME) scripts/documentdb.sh exec -- $(GO) test $(TEST_FLAGS) -count=1 -timeout 24h -v -run '^TestChaos$$' ./e2e

fuzz: ## every fuzz target for FUZZ_TIME; what fails is kept in testdata, and a test from then on
	@scripts/fuzz.sh $(FUZZ_TIME)

bench: build ## generator, expressions, compression, and the copy: against a TCP relay, and on DocumentDB against a loop of the driver
	$(GO) test -run '^$$' -bench . -benchmem -cpu 1 ./model ./plans/expression ./steps
	@scripts/documentdb.sh install; documentdb=$$?; outside=0; \
	[ $$documentdb -eq 0 ] || [ $$documentdb -eq 77 ] || exit $$documentdb; \
	for figures in null partition verify dump; do VIDA_TEST_SOURCE_URI= bin/vida-bench $$figures || outside=$$?; done; \
	if [ $$documentdb -eq 77 ]; then echo "bench: DocumentDB is skipped, see above"; exit $$outside; fi; \
	for figures in servers 'servers --auto --orders 500000 --rounds 3' verify; do scripts/documentdb.sh exec -- bin/vida-bench $$figures || outside=$$?; done; \
	exit $$outside

bench-large: build ## 61,000,000 documents between two null engines, killed half way
	bin/vida-bench large

lint: ## golangci-lint, in a pinned version
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run ./...
	cd sandbox && $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run -c ../.golangci.yaml ./...

clean: ## what was built
	rm -rf bin
