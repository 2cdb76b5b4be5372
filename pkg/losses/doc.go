// Package losses holds convex losses of one example, with their derivatives
// and conjugates. Vectors have length k, the number of network outputs, and
// everything is float64.
//
// The formulas are those of Roulet and Blondel, "Dual Gauss-Newton Directions
// for Deep Learning" (arXiv 2308.08886), in forms that neither overflow nor
// cancel.
//
// # Map
//
//   - A [Loss] is a function of the outputs of one example: a row of the table [Known]. It has a
//     gradient, a factor of its Hessian, and a conjugate, and says what its targets are
//     ([Target]) and what oracles may expect of it ([Curvature]).
//   - A [BoxDual] is a loss whose dual has a box. Every loss that is not [Smooth] is one.
//   - [Mean] is a loss over a mini-batch, and [Weighted] that of examples with weights.
//
// # Adding a loss
//
// A loss is one file, whose init function adds it to [Known]. All methods of [Loss] are
// needed; with Sample, which draws outputs and a target, TestLosses, the conformance suite,
// tests it like the others: derivatives against differences, the conjugate by the inequality
// of Fenchel and Young. TestCombos in pkg/oracles counts the losses that each oracle serves.
package losses
