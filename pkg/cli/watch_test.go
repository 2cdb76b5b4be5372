package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/page"
)

// TestServe: the page of a folder that is not there yet is served at a port of the loopback
// interface until the context ends, which is no error; a port that is taken is one, if it was
// asked for.
func TestServe(t *testing.T) {
	l, err := listen(0, true)
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if !strings.HasPrefix(address, "127.0.0.1:") {
		t.Fatalf("serves at %s", address)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, l, page.NewWatcher([]string{filepath.Join(t.TempDir(), "later")}, nil, page.Options{}))
	}()
	answer, err := http.Get("http://" + address + "/data")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != 200 || !strings.Contains(string(text), `"watch":true`) {
		t.Errorf("%d, %v: %.200s", answer.StatusCode, err, text)
	}
	end()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("does not end")
	}
	taken, err := listen(0, true)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if _, err := listen(port, true); err == nil || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("a port that is taken: %v", err)
	}
	other, err := listen(port, false)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
}
