package tensor

import "fmt"

// A Layout says which named blocks a flat vector of numbers is made of, one after
// the other.
type Layout struct {
	Len    int // numbers of the vector
	Blocks []Block
}

// A Block is one named tensor in a flat vector, row-major.
type Block struct {
	Name   string // "0.weight"
	Shape  []int
	Vector bool // a bias or a gain: no matrix, whatever its shape
	Offset int  // of its first number in the vector
}

// FlatLayout returns the layout of a vector of n numbers that is one block.
func FlatLayout(n int) Layout {
	return Layout{Len: n, Blocks: []Block{{Name: "all", Shape: []int{n}}}}
}

// Add appends a block to the layout, whatever offset it is given with.
func (l *Layout) Add(b Block) {
	b.Offset = l.Len
	l.Blocks = append(l.Blocks, b)
	l.Len += b.Len()
}

// Len returns the number of values.
func (b Block) Len() int {
	n := 1
	for _, d := range b.Shape {
		n *= d
	}
	return n
}

// IsMatrix reports whether the block has two sides: the weights of a dense layer
// (out x in), or of a convolution (filters x channels height width).
func (b Block) IsMatrix() bool { return len(b.Shape) >= 2 && !b.Vector }

// Of returns the block's part of v, a vector with its layout. It is a view.
func Of[T Float](b Block, v []T) []T { return v[b.Offset : b.Offset+b.Len()] }

// MatrixOf returns the block's part of v as a matrix without copying: the first
// side of the shape is rows, the others are columns. It panics if the block
// is no matrix.
func MatrixOf[T Float](b Block, v []T) Matrix[T] {
	if !b.IsMatrix() {
		panic(fmt.Sprintf("tensor: MatrixOf: block %s of shape %v is no matrix", b.Name, b.Shape))
	}
	return View(b.Shape[0], b.Len()/max(1, b.Shape[0]), Of(b, v))
}
