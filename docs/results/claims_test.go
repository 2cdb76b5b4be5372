package results_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A source answers for the summaries and logs of this folder.
type source struct {
	t *testing.T
}

// rows returns the rows of a file in which the settings have these values, key=value.
func (s source) rows(path, method string, settings ...string) (out []row) {
	s.t.Helper()
	for _, r := range read(s.t, path) {
		match := r["method"] == method
		for _, setting := range settings {
			key, value, _ := strings.Cut(setting, "=")
			match = match && r[key] == value
		}
		if match {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		s.t.Fatalf("%s: no rows of %q with %v", path, method, settings)
	}
	return out
}

// mean returns the mean of a column of the one row of a summary.
func (s source) mean(folder, method, column string, settings ...string) float64 {
	s.t.Helper()
	rows := s.rows(folder+"/summary.csv", method, settings...)
	if len(rows) != 1 {
		s.t.Fatalf("%s: %d rows of %q with %v", folder, len(rows), method, settings)
	}
	return rows[0].number(s.t, column+"_mean")
}

// ratio returns how many times the mean of another method a mean is.
func (s source) ratio(folder, method, other, column string) float64 {
	s.t.Helper()
	return s.mean(folder, method, column) / s.mean(folder, other, column)
}

// final returns the last evaluation of each seed.
func (s source) final(folder, method string, settings ...string) map[string]row {
	s.t.Helper()
	out := map[string]row{}
	for _, r := range s.rows(folder+"/runs.csv", method, settings...) {
		out[r["seed"]] = r
	}
	return out
}

// pairs counts the pairs of seed and gamma in which one dual iteration ends lower than
// two primal ones, for the same cost.
func (s source) pairs(column string) (wins, all int) {
	s.t.Helper()
	for _, gamma := range []string{"0.03", "0.1", "0.3"} {
		dual := s.final("sweep_inner_budget", "GN dual", "oracle.inner_iterations=1", "oracle.gamma="+gamma)
		primal := s.final("sweep_inner_budget", "GN primal", "oracle.inner_iterations=2", "oracle.gamma="+gamma)
		for seed, d := range dual {
			p := primal[seed]
			if math.Abs(d.number(s.t, "cost")/p.number(s.t, "cost")-1) > 1e-6 {
				s.t.Errorf("gamma %s, seed %s: costs are %s and %s", gamma, seed, d["cost"], p["cost"])
			}
			all++
			if d.number(s.t, column) < p.number(s.t, column) {
				wins++
			}
		}
	}
	return wins, all
}

// reached returns the least and largest cost at which the methods, each with its setting
// of the least validation loss, first have the train loss that all of their runs reach.
func (s source) reached(methods ...string) (low, high float64) {
	s.t.Helper()
	const folder = "sweep_learning_rate"
	runs := map[string][][]row{}
	target := 0.0
	for _, b := range best(s.t, read(s.t, folder+"/summary.csv"), "valid_loss") {
		key := "optimizer.learning_rate=" + b["optimizer.learning_rate"]
		settings := []string{key, "oracle.gamma=" + b["oracle.gamma"]}
		if b["optimizer.learning_rate"] == "" || b["oracle.gamma"] == "" { // a setting that was not varied
			settings = []string{key}
			if b["optimizer.learning_rate"] == "" {
				settings = []string{"oracle.gamma=" + b["oracle.gamma"]}
			}
		}
		for _, seed := range []string{"0", "1", "2"} {
			curve := s.rows(folder+"/runs.csv", b["method"], append(settings, "seed="+seed)...)
			runs[b["method"]] = append(runs[b["method"]], curve)
			target = max(target, curve[len(curve)-1].number(s.t, "train_loss"))
		}
	}
	low = math.Inf(1)
	for _, method := range methods {
		for _, curve := range runs[method] {
			for _, r := range curve {
				if r.number(s.t, "train_loss") <= target {
					low, high = min(low, r.number(s.t, "cost")), max(high, r.number(s.t, "cost"))
					break
				}
			}
		}
	}
	return low, high
}

// lower counts the learning rates at which Adam on dual directions ends lower than Adam on
// gradients.
func (s source) lower() (wins, all int) {
	s.t.Helper()
	for _, r := range s.rows("sweep_learning_rate/summary.csv", "Adam") {
		all++
		if s.mean("sweep_learning_rate", "dual GN + Adam", "train_loss", "optimizer.learning_rate="+r["optimizer.learning_rate"]) < r.number(s.t, "train_loss_mean") {
			wins++
		}
	}
	return wins, all
}

// courses returns what a compared oracle made of each subproblem along a method, in the
// same order for all oracles: a row for each budget.
func (s source) courses(method, oracle string) (out [][]row) {
	s.t.Helper()
	logs, err := filepath.Glob("inner_solvers/runs/" + method + "/*/probes.csv")
	if err != nil || len(logs) != 3 {
		s.t.Fatal(logs, err)
	}
	for _, path := range logs {
		step := ""
		for _, r := range read(s.t, path) {
			if r["oracle"] != oracle {
				continue
			}
			if r["step"] != step {
				step, out = r["step"], append(out, nil)
			}
			out[len(out)-1] = append(out[len(out)-1], r)
		}
	}
	if len(out) != 9 {
		s.t.Fatalf("%s, %s: %d solves", method, oracle, len(out))
	}
	return out
}

// costs returns, over the subproblems, the median and the largest cost of a direction of an
// oracle, of the least budget that comes so near to the exact one, and how many do not.
func (s source) costs(method, oracle string, distance float64) (median, largest float64, missed int) {
	s.t.Helper()
	var costs []float64
	for _, rows := range s.courses(method, oracle) {
		cost := math.Inf(1)
		for _, r := range rows {
			if r.number(s.t, "distance") <= distance {
				cost = r.number(s.t, "cost")
				break
			}
		}
		if math.IsInf(cost, 1) {
			missed++
		}
		costs = append(costs, cost)
	}
	slices.Sort(costs)
	return costs[len(costs)/2], costs[len(costs)-1], missed
}

// budget returns the row of a budget.
func (s source) budget(rows []row, budget string) row {
	s.t.Helper()
	i := slices.IndexFunc(rows, func(r row) bool { return r["budget"] == budget })
	if i < 0 {
		s.t.Fatalf("no budget %s in %v", budget, rows)
	}
	return rows[i]
}

// truncated counts the subproblems of Gauss-Newton in which one dual iteration is farther
// from the exact direction, and above the least model, than two primal ones of the same cost.
func (s source) truncated() (farther, above int) {
	s.t.Helper()
	dual, primal := s.courses("gauss-newton", "dual, CG"), s.courses("gauss-newton", "primal, CG")
	for i := range dual {
		d, p := s.budget(dual[i], "1"), s.budget(primal[i], "2")
		if d["cost"] != p["cost"] || d["step"] != p["step"] {
			s.t.Errorf("%v, %v", d, p)
		}
		if d.number(s.t, "distance") > p.number(s.t, "distance") {
			farther++
		}
		if d.number(s.t, "model_gap") > p.number(s.t, "model_gap") {
			above++
		}
	}
	return farther, above
}

// factored returns the cost of an exact direction of Gauss-Newton, what float32 leaves of
// distance in the median, and how many times as long as twelve dual iterations it takes.
func (s source) factored() (cost, left, shortest, longest float64) {
	s.t.Helper()
	shortest = math.Inf(1)
	var distances []float64
	dual := s.courses("gauss-newton", "dual, CG")
	for i, rows := range s.courses("gauss-newton", "dual, Cholesky") {
		r := rows[0]
		cost = max(cost, r.number(s.t, "cost"))
		distances = append(distances, r.number(s.t, "distance"))
		times := r.number(s.t, "seconds") / s.budget(dual[i], "12").number(s.t, "seconds")
		shortest, longest = min(shortest, times), max(longest, times)
	}
	slices.Sort(distances)
	return cost, distances[len(distances)/2], shortest, longest
}

// comparison are the sentences on the inner solvers.
func (s source) comparison() []string {
	s.t.Helper()
	median := func(method, oracle string, distance float64) float64 {
		m, _, _ := s.costs(method, oracle, distance)
		return m
	}
	largest := func(method, oracle string) float64 {
		_, l, _ := s.costs(method, oracle, 1e-3)
		return l
	}
	const gn, pl = "gauss-newton", "prox-linear"
	const cg, pcg, primal = "dual, CG", "dual, preconditioned CG", "primal, CG"
	const newton, preconditioned, factored = "dual, Newton-CG", "dual, Newton, preconditioned CG", "dual, Newton-Cholesky"
	cost, left, shortest, longest := s.factored()
	farther, above := s.truncated()
	_, _, missed := s.costs(pl, newton, 1e-3)
	_, _, missedToo := s.costs(pl, preconditioned, 1e-3)
	return []string{
		fmt.Sprintf("takes %.1f gradients by conjugate gradients in the dual, %.1f preconditioned, and %.1f in the primal, medians of nine solves; in the hardest %.1f, %.1f and %.1f.",
			median(gn, cg, 1e-3), median(gn, pcg, 1e-3), median(gn, primal, 1e-3), largest(gn, cg), largest(gn, pcg), largest(gn, primal)),
		fmt.Sprintf("to the %.0e that float32 leaves, for %.1f, beside the %.1f, %.1f and %.1f that the others take to 1e-5.", left, cost, median(gn, cg, 1e-5), median(gn, pcg, 1e-5), median(gn, primal, 1e-5)),
		fmt.Sprintf("took %.1f to %.1f times as long as those of twelve dual iterations", shortest, longest),
		fmt.Sprintf("is farther from the exact direction than they are in %s of nine solves, and higher above the least model in %s;", words[farther], words[above]),
		fmt.Sprintf("takes %.1f gradients in the primal, and in the dual %.1f preconditioned, %.1f not, and %.1f factored.",
			median(pl, "primal, Newton-CG", 1e-3), median(pl, preconditioned, 1e-3), median(pl, newton, 1e-3), median(pl, factored, 1e-3)),
		fmt.Sprintf("do not come so far in %s and %s of the nine, which take %.1f in the primal and %.1f factored at most.", words[missed], words[missedToo], largest(pl, "primal, Newton-CG"), largest(pl, factored)),
	}
}

// lost returns the points of test accuracy that ten times too large a gamma costs.
func (s source) lost(method string) float64 {
	s.t.Helper()
	at := func(gamma string) float64 {
		return s.mean("sweep_learning_rate", method, "test_accuracy", "oracle.gamma="+gamma)
	}
	return 100 * (at("0.1") - at("1"))
}

// words are whole numbers as the text writes them.
var words = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

// claims returns the sentences whose numbers are computed, as README.md must have them.
func (s source) claims() []string {
	s.t.Helper()
	epochs := func(method, passes string) float64 {
		return s.mean("quickstart_epochs", method, "train_loss", "train.epochs="+passes) / s.mean("quickstart", "dual GN", "train_loss")
	}
	clock := func(method string) float64 {
		return s.mean("quickstart_epochs", method, "wall_seconds", "train.epochs=55") / s.mean("quickstart_epochs", "dual GN", "wall_seconds", "train.epochs=20")
	}
	iterations := func(n, column string) float64 {
		return s.mean("mnist_iterations", "GN dual, Adam", column, "oracle.inner_iterations="+n)
	}
	gamma := func(method, budget, g string) float64 {
		return s.mean("sweep_inner_budget", method, "train_loss", "oracle.inner_iterations="+budget, "oracle.gamma="+g)
	}
	trainWins, trainPairs := s.pairs("train_loss")
	validWins, validPairs := s.pairs("valid_loss")
	plainLow, plainHigh := s.reached("SGD", "SGD momentum", "Adam")
	dualLow, dualHigh := s.reached("dual GN + Armijo", "dual GN + Adam", "prox-linear + Armijo")
	adamWins, adamRates := s.lower()
	return append(s.comparison(), []string{
		fmt.Sprintf("ends at a train loss %.0f times lower than that of Adam, and a test loss %.0f times lower", s.ratio("function_fit", "Adam", "GN dual exact", "train_loss"), s.ratio("function_fit", "Adam", "GN dual exact", "test_loss")),
		fmt.Sprintf("its train loss is %.0f times lower than that of momentum", s.ratio("quickstart", "SGD momentum", "dual GN", "train_loss")),
		fmt.Sprintf("A step along it costs %.1f gradients, and takes %.1f times as long as one of Adam", s.ratio("quickstart", "dual GN", "Adam", "cost"), s.ratio("quickstart", "dual GN", "Adam", "wall_seconds")),
		fmt.Sprintf("Given that cost, 55 passes, momentum ends at %.2f times its train loss and Adam at %.2f times, and they take %.1f and %.1f of its time", epochs("SGD momentum", "55"), epochs("Adam", "55"), clock("SGD momentum"), clock("Adam")),
		fmt.Sprintf("a step costs %.1f gradients in place of %.1f, and takes %.1f times as long as one of Adam in place of %.0f",
			s.ratio("mnist_gram", "GN dual, auto", "Adam", "cost"), s.ratio("mnist_gram", "GN dual, matrix_free", "Adam", "cost"),
			s.ratio("mnist_gram", "GN dual, auto", "Adam", "wall_seconds"), s.ratio("mnist_gram", "GN dual, matrix_free", "Adam", "wall_seconds")),
		fmt.Sprintf("end at the same train loss (%.4f)", s.mean("mnist", "GN dual, Armijo", "train_loss")),
		fmt.Sprintf("Ten inner iterations make a step %.0f times as costly as a gradient (%.0f times on the clock, beside Adam), and prox-linear steps %.0f times.",
			s.ratio("mnist", "GN dual, Adam", "Adam", "cost"), s.ratio("mnist", "GN dual, Adam", "Adam", "wall_seconds"), s.ratio("mnist", "prox-linear, Armijo", "Adam", "cost")),
		fmt.Sprintf("Ten iterations cost %.1f times what one costs", iterations("10", "cost")/iterations("1", "cost")),
		fmt.Sprintf("A step with one iteration costs %.1f gradients", iterations("1", "cost")/s.mean("mnist", "Adam", "cost")),
		fmt.Sprintf("the best dual method ends at %.0f times the train loss of SGD, and at %.1f times the test loss of Adam.",
			s.ratio("mnist_tuned", "GN dual, Adam", "SGD", "train_loss"), s.ratio("mnist_tuned", "GN dual, Armijo", "Adam", "test_loss")),
		fmt.Sprintf("the best dual method ends at a train loss that is %.0f times that of the best stochastic gradient.", s.ratio("mnist_tuned", "GN dual, Adam", "SGD", "train_loss")),
		fmt.Sprintf("the same number of steps: %.0f points between prox-linear directions and Adam",
			100*(s.mean("cifar10_steps", "Prox-linear, Adam", "test_accuracy")-s.mean("cifar10_steps", "Adam", "test_accuracy"))),
		fmt.Sprintf("costs %.1f (Gauss-Newton) or %.1f gradients (prox-linear), and takes %.1f or %.1f times as long as one of Adam",
			s.ratio("cifar10_steps", "GN dual, Adam", "Adam", "cost"), s.ratio("cifar10_steps", "Prox-linear, Adam", "Adam", "cost"),
			s.ratio("cifar10_steps", "GN dual, Adam", "Adam", "wall_seconds"), s.ratio("cifar10_steps", "Prox-linear, Adam", "Adam", "wall_seconds")),
		fmt.Sprintf("what two primal ones cost, %.0f in all", s.mean("sweep_inner_budget", "GN dual", "cost", "oracle.inner_iterations=1", "oracle.gamma=0.3")),
		fmt.Sprintf("at a lower train loss in %s of %s pairs", words[trainWins], words[trainPairs]),
		fmt.Sprintf("at a lower validation loss in %s of %s;", words[validWins], words[validPairs]),
		fmt.Sprintf("between them: %.3f in the dual at gamma 0.3, %.3f in the primal at gamma 1.", gamma("GN dual", "1", "0.3"), gamma("GN primal", "2", "1")),
		fmt.Sprintf("the lower one at %s of %s learning rates", words[adamWins], words[adamRates]),
		fmt.Sprintf("ten times too large a gamma costs %.0f points of accuracy in place of %.0f.", s.lost("prox-linear + Armijo"), s.lost("dual GN + Armijo")),
		fmt.Sprintf("takes %.0f to %.0f gradients with SGD, momentum and Adam, and %.0f to %.0f with dual directions.", plainLow, plainHigh, dualLow, dualHigh),
		fmt.Sprintf("a step costs %.1f gradients (10 conjugate gradient iterations: %.0f in the dual, %.0f in the primal)",
			s.ratio("regression_steps", "GN dual exact", "Adam", "cost"), s.ratio("regression_steps", "GN dual, 10 CG", "Adam", "cost"), s.ratio("regression_steps", "GN primal, 10 CG", "Adam", "cost")),
		fmt.Sprintf("where Adam ends, at %.0f,", s.mean("regression_steps", "Adam", "cost")),
		fmt.Sprintf("cheapest of the three, at %.1f gradients a step.", s.ratio("regression_diabetes", "GN dual exact", "Adam", "cost")),
	}...)
}

// TestClaims computes the numbers of the sentences.
func TestClaims(t *testing.T) {
	text := prose(t, "README.md")
	for _, claim := range (source{t}).claims() {
		if !strings.Contains(text, claim) {
			t.Errorf("README.md must say: %s", claim)
		}
	}
}

// TestFirstPage computes the results that the README of the project starts with.
func TestFirstPage(t *testing.T) {
	s := source{t}
	text := prose(t, "../../README.md")
	for _, claim := range []string{
		fmt.Sprintf("loss %.0f times lower than Adam,", s.ratio("function_fit", "Adam", "GN dual exact", "train_loss")),
		fmt.Sprintf("in %.2f of its time", s.ratio("function_fit", "GN dual exact", "Adam", "wall_seconds")),
		fmt.Sprintf("and %.2f of momentum's.", s.ratio("function_fit", "GN dual exact", "SGD momentum", "wall_seconds")),
		fmt.Sprintf("ends at an L2 error of %.1e after %.0f seconds on one thread, and Adam, searched as much, at %.1e (one run each)", s.mean("pinn/poisson2d_64", "GN dual, momentum", "test_l2"),
			s.mean("pinn/poisson2d_64", "GN dual, momentum", "wall_seconds"), s.mean("pinn/poisson2d_64", "Adam", "test_l2")),
		fmt.Sprintf("end at %.1e (the mean of three seeds,", s.mean("pinn/poisson2d_64", "GN dual, geodesic, gamma grows", "test_l2")),
	} {
		if !strings.Contains(text, claim) {
			t.Errorf("README.md must say: %s", claim)
		}
	}
}

// TestNumbersAreComputed finds numbers in the sentences that no claim computes.
func TestNumbersAreComputed(t *testing.T) {
	text := prose(t, "README.md")
	for _, claim := range (source{t}).claims() {
		text = strings.ReplaceAll(text, claim, "")
	}
	// Settings are not results, nor are the numbers of articles and the share that the figure of the duals prints.
	text = regexp.MustCompile(`gamma [\d.]+(?:, [\d.]+)*(?: and [\d.]+)?|learning rate [\d.]+|\(effective share \d+ %\)|Go 1\.26|arXiv \d+\.\d+`).ReplaceAllString(text, "")
	for _, number := range regexp.MustCompile(`.{0,40}(?:\d\.\d+|\d %|\d times).{0,20}`).FindAllString(text, -1) {
		t.Errorf("no claim computes the number in: %s", number)
	}
}

// prose returns a text without tables, comments and figures, on one line.
func prose(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "<!--") && !strings.HasPrefix(line, "![") {
			out = append(out, strings.Fields(line)...)
		}
	}
	return strings.Join(out, " ")
}

// TestOrders holds sentences without numbers to the summaries: which method is lower.
func TestOrders(t *testing.T) {
	s := source{t}
	for _, c := range []struct {
		folder, column string
		methods        []string // from the least mean to the largest
	}{
		{"quickstart", "train_loss", []string{"dual GN", "SGD momentum", "Adam"}},
		{"quickstart", "test_loss", []string{"dual GN", "SGD momentum", "Adam"}},
		{"mnist", "train_loss", []string{"GN dual, Adam", "SGD momentum", "Adam", "GN dual, Armijo"}},
		{"mnist", "test_loss", []string{"GN dual, Adam", "Adam", "SGD momentum", "SGD"}},
		{"function_fit", "train_loss", []string{"GN dual exact", "GN dual exact, Adam", "GN dual exact, momentum", "Adam"}},
		{"regression", "train_loss", []string{"Adam", "GN dual exact, momentum", "GN dual exact, Adam", "GN dual exact", "sampled by layers, Adam"}},
		{"regression", "test_loss", []string{"GN dual exact, Adam", "GN dual exact, momentum", "Adam", "GN dual exact", "sampled by layers, Adam"}},
		{"autoencoder", "train_loss", []string{"Adam", "one unknown, Adam", "sampled by layers, Adam", "SGD momentum"}},
		{"autoencoder_128", "train_loss", []string{"one unknown, Adam", "sampled by layers, Adam", "Adam", "SGD momentum"}},
		{"autoencoder_relu", "train_loss", []string{"one unknown, Adam", "sampled by layers, Adam", "Adam", "SGD momentum"}},
		{"cifar10", "train_loss", []string{"prox-linear one unknown, Adam", "one unknown, Adam", "Adam", "SGD momentum", "sampled by layers, Adam"}},
		{"cifar10", "test_loss", []string{"prox-linear one unknown, Adam", "one unknown, Adam", "Adam", "sampled by layers, Adam"}},
		{"mnist_conv", "train_loss", []string{"Adam", "SGD momentum", "one unknown, SGD", "one unknown, Adam"}},
		{"mnist_conv", "test_loss", []string{"one unknown, SGD", "one unknown, Adam", "sampled by layers, Adam", "Adam", "SGD momentum", "prox-linear one unknown, Adam"}},
		{"pinn/burgers", "test_l2", []string{"GN dual, geodesic, new points", "GN dual, momentum, new points", "GN dual, new points", "Adam, new points", "GN dual, momentum", "GN primal, CG", "L-BFGS", "Hessian-free", "GN dual", "K-FAC", "Adam", "SGD"}},
		{"pinn/burgers", "train_loss", []string{"GN dual, geodesic", "GN dual", "GN dual, momentum", "L-BFGS", "Hessian-free", "GN primal, CG", "Adam", "K-FAC", "SGD"}},
		{"pinn/heat1d", "test_l2", []string{"GN dual, geodesic, gamma grows", "GN dual", "Hessian-free", "Adam", "L-BFGS", "K-FAC", "SGD"}},
		{"pinn/heat1d_64", "test_l2", []string{"GN dual, geodesic, gamma grows", "GN dual, geodesic", "GN auto", "GN dual", "GN dual, momentum", "Hessian-free", "GN auto, gamma grows", "SGD", "L-BFGS", "Adam", "K-FAC"}},
		{"pinn/poisson2d", "test_l2", []string{"GN dual, geodesic, gamma grows", "GN dual", "GN dual, momentum", "Hessian-free", "GN primal, CG", "L-BFGS", "K-FAC", "Adam, rate 0.0047", "SGD", "Adam"}},
		{"pinn/poisson5d", "test_l2", []string{"GN dual, geodesic", "GN dual", "GN dual, momentum", "GN dual, searched", "GN dual, momentum, searched", "GN dual, gamma grows", "GN primal, CG", "Adam, rate 0.0056", "SGD"}},
		{"pinn/poisson2d_64", "test_l2", []string{"GN dual, geodesic, gamma grows", "GN dual, momentum", "GN auto", "GN dual", "Hessian-free", "K-FAC", "Adam", "L-BFGS", "SGD"}},
		{"mnist_less", "train_loss", []string{"one unknown, Adam", "SGD momentum", "sampled by layers, Adam", "Adam"}},
		{"mnist_less", "test_loss", []string{"sampled by layers, Adam", "Adam", "SGD momentum", "one unknown, Adam"}},
		{"mnist_conv_steps", "train_loss", []string{"Prox-linear, Adam", "GN dual, Adam", "Adam", "SGD momentum", "GN dual, Armijo"}},
		{"mnist_conv_steps", "test_accuracy", []string{"GN dual, Armijo", "SGD momentum", "Adam", "GN dual, Adam", "Prox-linear, Adam"}},
		{"cifar10_steps", "train_loss", []string{"Prox-linear, Adam", "GN dual, Adam", "GN dual, Armijo", "Adam", "SGD momentum"}},
		{"regression_steps", "train_loss", []string{"GN dual exact, Adam", "GN dual exact", "Adam", "SGD momentum"}},
		{"regression_steps", "train_loss", []string{"GN dual exact", "GN primal, 10 CG", "GN dual, 10 CG"}},
		{"regression_diabetes", "train_loss", []string{"SGD momentum", "GN dual exact", "Adam"}},
		{"regression_diabetes", "test_loss", []string{"Adam", "GN dual exact", "SGD momentum"}},
		{"inner_budget", "train_loss", []string{"dual, 1", "primal, 1"}},
		{"inner_budget", "train_loss", []string{"dual, 2", "primal, 2"}},
	} {
		for i := 1; i < len(c.methods); i++ {
			low, high := s.mean(c.folder, c.methods[i-1], c.column), s.mean(c.folder, c.methods[i], c.column)
			if low > high {
				t.Errorf("%s: %s of %s is %.4g, of %s %.4g", c.folder, c.column, c.methods[i-1], low, c.methods[i], high)
			}
		}
	}
}

// TestStepTimes computes the times of a step that docs/kernels.md names.
func TestStepTimes(t *testing.T) {
	s := source{t}
	step := func(method string) float64 {
		return 1000 * s.mean("mnist_gram", method, "wall_seconds") / 2340
	}
	claim := fmt.Sprintf("took %.1f ms under Adam by products with Jᵀ and J, and takes %.1f ms by kept rows of J", step("GN dual, matrix_free"), step("GN dual, auto"))
	if !strings.Contains(prose(t, "../kernels.md"), claim) {
		t.Errorf("docs/kernels.md must say: %s", claim)
	}
}

// TestSearchChoseTheSettings compares the quick start with its search: of each method
// the form and the setting of least validation loss, which lies inside its grid.
func TestSearchChoseTheSettings(t *testing.T) {
	config, err := os.ReadFile("../../configs/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := read(t, "sweep_quickstart/summary.csv")
	value := func(r row) string { return r["optimizer.learning_rate.initial"] + r["oracle.gamma.initial"] }
	grids := map[string][]string{} // the values of each form, in order
	for _, r := range all {
		grids[r["method"]] = append(grids[r["method"]], value(r))
	}
	chosen := map[string]row{} // by method, the first word of a form
	for _, r := range best(t, all, "valid_loss") {
		if g := grids[r["method"]]; len(g) != 8 || g[0] == value(r) || g[7] == value(r) {
			t.Errorf("%s: the best, %s, is at the edge of %v", r["method"], value(r), g)
		}
		method, _, _ := strings.Cut(r["method"], " ")
		if c, ok := chosen[method]; !ok || r.number(t, "valid_loss_mean") < c.number(t, "valid_loss_mean") {
			chosen[method] = r
		}
	}
	for method, want := range map[string]struct{ form, comment, option string }{
		"SGD":  {"SGD momentum", "#   SGD momentum .* [%s] .*; or cosine; or Nesterov", "learning_rate: %s, momentum: 0.9}"},
		"Adam": {"Adam", "#   Adam .* [%s] .*; or cosine; or warm-up", "kind: adam, learning_rate: %s}"},
		"dual": {"dual GN, Armijo, cosine", "#   dual GN .* [%s] .*, cosine, Armijo; or constant", "gamma: {schedule: cosine, initial: %s}"},
	} {
		r := chosen[method]
		if r["method"] != want.form {
			t.Errorf("the search chose %s, not %s", r["method"], want.form)
			continue
		}
		comment := strings.NewReplacer("[%s]", regexp.QuoteMeta("["+value(r)+"]")).Replace(want.comment)
		if !regexp.MustCompile(comment).Match(config) || !strings.Contains(string(config), fmt.Sprintf(want.option, value(r))) {
			t.Errorf("the search chose %s for %s", value(r), want.form)
		}
	}
}

// TestFiguresExist follows the links of the README.
func TestFiguresExist(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^)]+\.png)\)`).FindAllStringSubmatch(string(text), -1)
	if len(links) < 15 {
		t.Errorf("only %d figures", len(links))
	}
	for _, m := range links {
		if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
			t.Error(err)
		}
	}
}
