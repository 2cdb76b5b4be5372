package experiment_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
)

// An experiment made in Go, without a file: two methods on an embedded data set, with
// the logs, checkpoints and summary that dgn run leaves.
func ExampleRun() {
	mlp, err := registry.Choose(&nn.Models, "mlp", func(m *nn.MLP) { m.Hidden = []int{16} })
	if err != nil {
		log.Fatal(err)
	}
	dual, err := registry.Choose(&oracles.Known, "gauss_newton", func(o *oracles.GaussNewton) { o.InnerIterations = 5 })
	if err != nil {
		log.Fatal(err)
	}
	whole, err := registry.Choose(&optim.Known, "sgd", func(o *optim.SGD) { o.LearningRate = schedules.Const(1) })
	if err != nil {
		log.Fatal(err)
	}
	c, err := config.New(config.Config{
		Name:  "by-hand",
		Data:  config.DataOf(datasets.Known.Default("digits")),
		Model: config.Model{Choice: mlp},
		Loss:  config.Loss{Choice: losses.Known.Default("logistic")},
		Train: config.Train{BatchSize: 64, Epochs: 10},
		Methods: []config.Method{
			{Name: "Adam", Optimizer: config.Optimizer{Choice: optim.Known.Default("adam")}},
			{Name: "GN dual", Oracle: config.Oracle{Choice: dual}, Optimizer: config.Optimizer{Choice: whole}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "by-hand")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	result, err := experiment.Run(context.Background(), c, experiment.Options{Out: dir})
	if err != nil || len(result.Failed) > 0 {
		log.Fatal(err, result.Failed)
	}
	summary, _, err := result.Publish(experiment.NoFigures)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range summary.Lines {
		fmt.Printf("%s: %d run, cost %.0f, test accuracy above 80 %%: %t\n", l.Method, l.Complete, l.Final["cost"].Mean, l.Final["test_accuracy"].Mean > 0.80)
	}
	again, err := experiment.Run(context.Background(), c, experiment.Options{Out: dir})
	fmt.Printf("again: %d made, %d reused, %v\n", again.Made, again.Reused, err)
	// Output:
	// Adam: 1 run, cost 220, test accuracy above 80 %: true
	// GN dual: 1 run, cost 1270, test accuracy above 80 %: true
	// again: 0 made, 2 reused, <nil>
}
