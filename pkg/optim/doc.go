// Package optim turns directions into updates of the weights.
//
// # Map
//
//   - A [Spec] is an optimizer with its options, as a config names it: a row of the table
//     [Known]: [SGD], [Adam] and their like, which see vectors; [Muon], [Shampoo] and [SOAP], which
//     see the blocks of the layout that are matrices; [ScheduleFree]; and [Lookahead] around another.
//   - An [Optimizer] is one at work, made by [New] for a layout of the weights. It takes the
//     direction d where others take a negative gradient, and makes an update u of it.
//   - A [LineSearch] says how far to go along u, from what it asks an [Objective]: a row of the
//     table [LineSearches].
//
// Weights, directions and updates are flat vectors. An optimizer of matrices asks the
// [tensor.Layout] for the blocks that are.
//
// # Adding an optimizer or a line search
//
// Each is one file, whose init function adds it to its table. An optimizer has Optimizers,
// which [OptimizersOf] makes of a generic function, and a type with Update, ScalesDirection
// and State, the vectors of any lengths that a checkpoint keeps. It may be [InPlace], a
// [Reporter] and [Averaging], and its spec [Sized], [Working], [Nesting], [Fitting],
// [Unscalable] and [Periodic]. A line search has Search and State. TestOptimizers and
// TestLineSearches, and TestOptimizerRuns of pkg/train, are the conformance suites of all that is
// in the tables.
package optim
