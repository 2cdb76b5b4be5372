package tensor

import (
	"slices"
	"testing"
)

func TestLayout(t *testing.T) {
	var l Layout
	l.Add(Block{Name: "0.weight", Shape: []int{2, 3}})
	l.Add(Block{Name: "0.bias", Shape: []int{2}})
	l.Add(Block{Name: "2.weight", Shape: []int{2, 1, 2, 2}, Offset: 77})
	if l.Len != 16 || l.Blocks[2].Offset != 8 {
		t.Fatalf("%+v", l)
	}
	v := make([]float64, l.Len)
	for i := range v {
		v[i] = float64(i)
	}
	if got := Of(l.Blocks[1], v); !slices.Equal(got, []float64{6, 7}) {
		t.Errorf("the bias is %v", got)
	}
	filters := MatrixOf(l.Blocks[2], v)
	if filters.Rows != 2 || filters.Cols != 4 || !slices.Equal(filters.Row(1), []float64{12, 13, 14, 15}) {
		t.Errorf("filters as a matrix: %+v", filters)
	}
	filters.Set(0, 0, -1)
	if v[8] != -1 {
		t.Error("the matrix is a copy")
	}
	if (Block{Shape: []int{2, 3}, Vector: true}).IsMatrix() {
		t.Error("a gain of many sides passes for a matrix")
	}
	if l.Blocks[1].IsMatrix() {
		t.Error("a bias passes for a matrix")
	}
	defer func() {
		if recover() == nil {
			t.Error("a bias was taken for a matrix")
		}
	}()
	MatrixOf(l.Blocks[1], v)
}

func TestInstanceOf(t *testing.T) {
	both := Instances[[]float32, []float64]{Float32: []float32{1}, Float64: []float64{2}}
	if a, b := InstanceOf[[]float32](both), InstanceOf[[]float64](both); a[0] != 1 || b[0] != 2 {
		t.Errorf("%v, %v", a, b)
	}
}
