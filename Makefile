STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test check bench fmt clean

build: ## the program, in bin/
	go build -o bin/ ./cmd/dgn

test: ## what every change must pass; under two minutes
	go test ./...

check: test ## what CI checks besides: format, vet, staticcheck, the race detector, real data if there are any
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go vet -tags data ./...
	go run $(STATICCHECK) ./...
	go mod verify
	go mod tidy -diff
	go test -race -short ./pkg/tensor ./pkg/nn ./pkg/oracles ./pkg/optim ./pkg/datasets ./pkg/experiment
	if [ -n "$$DGN_DATA_DIR" ]; then go test -tags data -run Real ./pkg/... ./cmd/...; fi

bench:
	go test -run '^$$' -bench . -benchmem ./...

fmt:
	gofmt -w .

clean:
	rm -rf bin
	go clean -testcache
