// Package nn holds layers, models, and networks linearized on a mini-batch.
//
// All weights of a network are one flat vector of p numbers; layers are views
// into it. A layer is configuration only: bound to an input shape and a largest
// batch it becomes an [Op], which owns its buffers.
//
// # Map
//
//   - A [Layer] is what a config names: a row of the table [Layers]. It says what it makes of
//     an input shape ([Size]), and constructs ops in both precisions ([Ops]).
//   - An [Op] is a layer at work: values, JVP and VJP. One with weights is a [GramOp] too.
//   - A [Net] is a chain of layers. It comes from [NewNet], or from a [Model] of the table
//     [Models], and knows its [Net.Layout], what it computes ([Net.MultiplyAdds]) and what it
//     holds ([Net.Memory]).
//   - A [Linearization] is a network at given weights on a mini-batch: outputs, JVP, VJP, and
//     the matrix K = J Jᵀ. [Linearization.Backprop] shows a [Visitor] each layer with weights
//     and the signals that reach it, for other sums over layers.
//   - An [Initializer] is how a dense layer or a convolution draws its first weights: a row of
//     the table [Initializers].
//   - [Arrays] and [Load] write and read weights as PyTorch names and lays them out.
//
// Work begins with [NewNet], [Net.Init], [NewLinearization] and [Linearization.Linearize].
//
// # Adding a layer
//
// A layer is one file, whose init function adds it to [Layers]. Its ops are a generic type,
// written once and named twice in [OpsOf]. Without weights and value by value it is a function
// given to [PointwiseOps]; with weights it is [Initializable], and its op has Gram and
// GramBlocks, for which an [Explicit] serves if its Jacobian is small. An [Activation] may
// stand between the dense layers of an mlp; [Reshaper], [Carrier] and [Normalization] say
// other things of a layer. TestLayers is the conformance suite of all that is in the table.
//
// The example is such a file, and docs/extending.md goes through it.
package nn
