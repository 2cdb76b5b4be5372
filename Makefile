GEN = pkg/tensor/kernel/gen
NEW = $(CURDIR)/bin/_generated
ARITHMETIC = ./pkg/tensor/... ./pkg/nn ./pkg/losses ./pkg/optim ./pkg/oracles ./pkg/train ./pkg/direction ./pkg/datasets ./pkg/problem ./pkg/bench ./pkg/placement
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test check long browser shards slurm kill-test bench bench-peers fmt clean generate figures

build: ## the program, in bin/
	go build -o bin/ ./cmd/dgn

test: ## what every change must pass; two to four minutes on two cores
	go test ./...

check: test ## what CI checks besides: format, vet, staticcheck, the race detector, real data if there are any
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go vet -tags data ./...
	go vet -tags long ./...
	go run $(STATICCHECK) ./...
	go mod verify
	go mod tidy -diff
	go vet -tags noasm ./...
	go test -tags noasm -skip '^TestState$$' $(ARITHMETIC) # the others do not reach kernels, and what is kept between steps is the same
	GOARCH=arm64 go vet ./...
	mkdir -p $(NEW)
	cd $(GEN) && go vet . && test -z "$$(gofmt -l .)" && go run . -out $(NEW)/kernels_amd64.s -stubs $(NEW)/kernels_amd64.go -pkg kernel
	for f in kernels_amd64.s kernels_amd64.go; do \
		tail -n +2 pkg/tensor/kernel/$$f >$(NEW)/old; tail -n +2 $(NEW)/$$f | cmp - $(NEW)/old || { echo "$$f differs from what the generator writes: run make generate"; exit 1; }; done
	go test -race -timeout 30m -run '^(TestOracles|TestReducedBits|TestKFACLayers|TestSketchAllocates|TestRowMultiplier|TestBlocksAllocateNothing|TestSharedCoordinates)$$' ./pkg/oracles # all that have more than one thread
	go test -race -short -timeout 30m -skip '^(TestForeignCheckpoint|TestLeft|TestStepAllocatesNothing|TestOraclesAllocateNothing|TestSlopeIsTimedWork|TestConvSubnormal|TestAllocsWithoutPool|TestTooLarge|TestPublish)$$' ./pkg/tensor/... ./pkg/placement ./pkg/timing ./pkg/nn ./pkg/optim ./pkg/datasets ./pkg/runlog ./pkg/config ./pkg/problem ./pkg/clock ./pkg/checkpoint ./pkg/train ./pkg/plan ./pkg/folder ./pkg/slurm ./pkg/direction ./pkg/experiment ./pkg/tune ./pkg/memory ./pkg/arrays ./pkg/diskfile ./pkg/interrupt ./pkg/stats ./pkg/figure ./pkg/render ./pkg/results ./pkg/scores ./pkg/report ./pkg/page ./pkg/export # -short takes fewer shapes; the tests left out hash the program for a minute, count or limit memory, measure time, draw all figures, or have one thread or the loops of others
	go test -race -timeout 30m -skip '^TestScripts$$/^(badinput|bench|data|direction|equations|figures|oracles|output|plot|report|scores|sizes|tables|weights)$$' ./pkg/cli -kills 3 # but scripts of one goroutine, or of packages that the line above has
	if [ -n "$$DGN_DATA_DIR" ]; then go test -tags data -run Real ./pkg/...; fi

long: ## the tests of the tag long, but one float32 of 211 for the hour that all would take, and twenty kills
	go test -tags long -run '^TestReadmeCommands$$' ./pkg/cli
	go test -tags long -run '^TestCoverage$$' -v ./pkg/stats
	go test -tags long -run '^(TestRounding|TestDescentFloat32|TestPrimalFloat32)$$' ./pkg/oracles
	go test -tags long -run '^TestAccuracy$$' -v ./pkg/tensor/kernel -accuracy-every 211
	go test -tags long -run '^(TestHeld|TestFootprint|TestGramMemory|TestVersion)$$' ./pkg/oracles ./pkg/train ./pkg/nn ./cmd/dgn
	go test -tags 'long noasm' -run '^(TestHeld|TestFootprint|TestGramMemory)$$' ./pkg/oracles ./pkg/train ./pkg/nn
	go test -run '^TestKill$$' ./pkg/cli -kills 20

READERS ?= python3
browser: ## pages in Chromium, and exports in pyarrow and TensorBoard, which must be there: READERS=PYTHON that has them
	DGN_BROWSER=required go test -count=1 -tags long -v ./pkg/page/browser
	DGN_READERS=required DGN_PYTHON=$(READERS) go test -count=1 -v ./pkg/export/readers

SHARDS_PYTHON ?= python3
shards: ## the parts of a sweep by GNU parallel, ssh and the command of a Kubernetes job, which must be there: SHARDS_PYTHON=PYTHON that has yaml and kubernetes-validate
	SHARDS_TEST=required PYTHON=$(SHARDS_PYTHON) scripts/shards.sh

slurm: ## arrays by a Slurm of one node on the loopback interface: needs root, and slurmctld, slurmd, slurm-client and munge of Debian
	DGN_SLURM=required go test -count=1 -v ./pkg/slurm/cluster

kill-test: ## kills the program 200 times; go test ./... does so 5 times, and make long 20 times
	go test ./pkg/cli -run '^TestKill$$' -count=1 -v -timeout 60m -kills 200

generate: ## the assembly of pkg/tensor/kernel
	cd $(GEN) && go generate .

figures: build ## the figures of docs/results, from the logs and tables that are committed there
	scripts/figures.sh

bench:
	go test -run '^$$' -bench . -benchmem ./...

PYTHON = python3
ROWS =
PEERS =
bench-peers: ## dgn beside JAX, PyTorch and somax (docs/kernels.md): ROWS="mlp256-m128-sgd reg", all by default; PEERS="--rounds 3" and other options
	go build -o bin/ ./cmd/dgn
	go build -o bin/peers-dgn ./scripts/peers/dgn
	$(PYTHON) scripts/peers $(ROWS) $(PEERS)

fmt:
	gofmt -w .

clean:
	rm -rf bin
	go clean -testcache
