//go:build long

package browser_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// large returns runs of 20 methods, 5 seeds each, of 1000 evaluations and 1000 steps with noise
// in every column, and one spike.
func large() (runs []runlogtest.Run) {
	for m := range 20 {
		for seed := range uint64(5) {
			r := rand.New(rand.NewPCG(uint64(m), seed))
			run := runlogtest.New(fmt.Sprint("method ", m), m, seed, "finished")
			var metrics, steps strings.Builder
			metrics.WriteString(runlogtest.Header)
			steps.WriteString("step,wall_seconds,cost,oracle_calls,batch_loss,grad_norm,direction_norm,slope,step_size,gamma,inner_iterations,stop_reason,relative_residual,duality_gap\n")
			noise := func() float64 { return math.Exp(0.3 * r.NormFloat64()) }
			for i := range 1000 {
				wall := float64(i) * (0.1 + 0.001*r.Float64()) * (1 + 0.1*float64(m))
				loss := 2 / math.Pow(1+float64(i), 0.3+0.02*float64(m))
				spike := 1.0
				if i == 617 && seed == 3 {
					spike = 100
				}
				fmt.Fprintf(&metrics, "%s,%d,%d,%g,%g,%d,%d,%g,%g,%g,%g,%g,%g,\n", run.Method, seed, 10*i, float64(i)/10, wall, 20*i, 30*i, spike*loss*noise(), 1-loss*noise()/10, loss*noise(), 1-loss*noise()/9, loss*noise(), 1-loss*noise()/8)
				fmt.Fprintf(&steps, "%d,%g,%d,%d,%g,%g,%g,%g,%g,%g,%d,%s,%g,%g\n", 10*i+1, wall, 20*i, 30*i, loss*noise(), noise(), noise(), -noise(), noise(), 1/(1+float64(i)), 1+r.IntN(10), []string{"budget", "tolerance"}[r.IntN(2)], noise()*1e-3, noise()*1e-5)
			}
			run.Text, run.Steps = metrics.String(), steps.String()
			runs = append(runs, run)
		}
	}
	return runs
}

// TestSize: 100 runs of 1000 points make a page below 10 MB that is there in 2 seconds, says
// what is thinned, and hides no extremum.
func TestSize(t *testing.T) {
	dir := runlogtest.Folder(t, large()...)
	p := show(t, page.Options{}, dir)
	path := strings.TrimPrefix(eval[string](p, `location.pathname`), "file://")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 10e6 {
		t.Errorf("the page has %d bytes", info.Size())
	}
	fastest, limit := time.Hour, time.Duration(float64(2*time.Second)*crowd())
	for try := 0; try < 5 && fastest > 2*time.Second; try++ {
		start := time.Now()
		p.run(chromedp.Navigate("file://" + path))
		p.wait(`document.documentElement.dataset.ready === "yes"`)
		fastest = min(fastest, time.Since(start))
	}
	t.Logf("%d bytes, there after %v, of %v", info.Size(), fastest, limit)
	if fastest > limit {
		t.Errorf("the page is there after %v, more than %v", fastest, limit)
	}
	p.want("what is thinned is told", `document.querySelector(".thinned").innerText.includes("1000 logged steps of a run are thinned to")`)
	p.click(`input[value=seeds]`)
	p.shoot("large")
	p.want("all seeds are drawn", `document.querySelectorAll("#curves-digits .legend li").length === 20`)
}

// crowd is how many processes there are for each processor, as the system counts them; 1 if
// that is not known, or if there are fewer: the page is there as many times later.
func crowd() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 1
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 1
	}
	return max(1, load/float64(runtime.NumCPU()))
}
