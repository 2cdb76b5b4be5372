package runlog

// An Evaluation is what one moment of a run achieves on the splits: means over their
// examples. Columns of metrics.csv, and so of every table of results, are named here.
type Evaluation struct {
	Method      string  `csv:"method"`
	Seed        uint64  `csv:"seed"`
	Step        int     `csv:"step"`
	Epoch       float64 `csv:"epoch"`
	WallSeconds float64 `csv:"wall_seconds"` // of training, since the beginning
	Cost        float64 `csv:"cost"`         // in gradients of a mini-batch, since the beginning
	OracleCalls int     `csv:"oracle_calls"` // JVPs and VJPs, since the beginning

	TrainLoss     float64 `csv:"train_loss,optional"`
	TrainAccuracy float64 `csv:"train_accuracy,optional"` // fraction of right classes
	ValidLoss     float64 `csv:"valid_loss,optional"`
	ValidAccuracy float64 `csv:"valid_accuracy,optional"`
	TestLoss      float64 `csv:"test_loss,optional"`
	TestAccuracy  float64 `csv:"test_accuracy,optional"`
	TestRMSE      float64 `csv:"test_rmse,optional"` // in the unit of the target

	// Of equations, sqrt(mean (u - u*)²) for the solution u*, and that over sqrt(mean u*²).
	ValidL2        float64 `csv:"valid_l2,added"`
	TestL2         float64 `csv:"test_l2,added"`
	TestRelativeL2 float64 `csv:"test_relative_l2,added"`
}

// A Step is what is logged of one step. Time, cost and counters are those since the
// beginning of the run.
type Step struct {
	Step          int     `csv:"step"`
	WallSeconds   float64 `csv:"wall_seconds"`
	Cost          float64 `csv:"cost"`
	OracleCalls   int     `csv:"oracle_calls"`
	BatchLoss     float64 `csv:"batch_loss"`
	GradNorm      float64 `csv:"grad_norm,optional"`
	DirectionNorm float64 `csv:"direction_norm"`
	Slope         float64 `csv:"slope,optional"`
	StepSize      float64 `csv:"step_size"`
	Gamma         float64 `csv:"gamma"`

	InnerIterations  int     `csv:"inner_iterations"`
	StopReason       string  `csv:"stop_reason"` // of the inner solve; see [GradientStep], [AlongLine], and what an optimizer falls back to
	RelativeResidual float64 `csv:"relative_residual,optional"`
	DualityGap       float64 `csv:"duality_gap,optional"`

	Forwards     int   `csv:"forwards"`
	JVPs         int   `csv:"jvps"`
	VJPs         int   `csv:"vjps"`
	GramProducts int   `csv:"gram_products"`
	MultiplyAdds int64 `csv:"multiply_adds"`

	Fraction float64 `csv:"fraction"` // share of the budget that was used when the step began
}

// GradientStep marks, in the column stop_reason, a step whose update did not
// descend, so that the line search took the gradient step in its place.
const GradientStep = "gradient_step"

// AlongLine marks, in the column stop_reason, a step along the line of an oracle with an acceleration:
// the curve was too bent there, or could not be made.
const AlongLine = "line"

// A Probe is the direction that a compared oracle made of the subproblem of one step, with
// a budget of inner iterations.
type Probe struct {
	Step       int    `csv:"step"`
	Oracle     string `csv:"oracle"` // its name
	Budget     int    `csv:"budget"` // of inner iterations, growing from row to row
	Iterations int    `csv:"iterations"`
	StopReason string `csv:"stop_reason"`

	// Residual and gap are those of the direction, measured by a JVP (and a VJP in the
	// primal and for prox-linear); but for the residual of prox-linear in the dual, which is
	// that of the recursion. It is of the system, or condition, that the oracle solves.
	RelativeResidual float64 `csv:"relative_residual,optional"`
	DualityGap       float64 `csv:"duality_gap,optional"`

	Cost    float64 `csv:"cost"`    // of a forward pass and the call, in gradients of a mini-batch
	Seconds float64 `csv:"seconds"` // of the call, the median of several

	// To the exact direction d*: |d - d*|/|d*| and P(d) - P(d*), in float64.
	Distance float64 `csv:"distance,optional"`
	ModelGap float64 `csv:"model_gap,optional"`
}

// An Iterate is where the inner solve of a step stands after some iterations.
type Iterate struct {
	Step             int     `csv:"step"`
	Iteration        int     `csv:"iteration"`
	RelativeResidual float64 `csv:"relative_residual,optional"`
	DualityGap       float64 `csv:"duality_gap,optional"`
}
