// Package oracles answers "which direction d?" for one linearized mini-batch:
// each oracle minimises a convex model of the objective h plus the proximity
// term |d|²/(2 gamma).
//
// # Map
//
//   - A [Spec] is an oracle with its options, as a config names it: a row of the table [Known].
//     It is [Gradient], [GaussNewton] or [ProxLinear]; the latter two share the options [Inner].
//     [KFAC], [LBFGS] and [HessianFree] are others that people compare these with.
//   - An [Oracle] is one at work, from [New]. [Oracle.Direction] finds d for a [Subproblem], and
//     returns a [Report]; [Oracle.Complete] adds the numbers that only a log wants.
//   - A [Subproblem] has a loss and a [Batch]: a [Jacobian], which is all that oracles see of a
//     network, the targets, and perhaps weights of the examples.
//   - A [Curvature] of a few rows of J, and one dual unknown for each example, are models of less
//     curvature that take less time.
//   - A [Solver] solves the inner problem: a row of the table [Solvers]. Its [Abilities] say for
//     which it can be used, and construct a [Linear], a [PrimalLinear], a [Path] or a [BoxAscent].
//   - A [GramOperator] is K = J Jᵀ, formed or not, as solvers in the dual see it.
//   - An [Accelerated] oracle has, beside each direction, the curve that begins along it.
//   - A [Gamma] is constant, a schedule, or adapts. What an oracle remembers from call to call
//     goes to checkpoints by [Stateful].
//
// The example calls an oracle once. A model that is no network takes part as a [Jacobian], and
// as a [GramJacobian] if it knows K.
//
// # Adding an oracle or a solver
//
// Each is one file, whose init function adds it to its table. An oracle has Check, Fits and
// Oracles, which [OraclesOf] makes of a generic function, and a type with Direction and
// Complete; [Sized], [Limited], [Stateful], [Sloper], [Closed], [Pairwise], [Recurrent], [DualOracle], [Automatic],
// [Accelerating] and [Periodic] say more. A solver has Abilities. The suites in oracle_test.go run over every oracle, formulation, solver and loss
// that serve each other. That file has the model of each oracle, to compare with, and counts
// in TestCombos how many losses are served, which a new entry of a table changes.
package oracles
