package tensor

import (
	"slices"
	"testing"
)

func TestLayout(t *testing.T) {
	var l Layout
	l.Add("0.weight", []int{2, 3})
	l.Add("0.bias", []int{2})
	l.Add("2.weight", []int{2, 1, 2, 2})
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
