package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestHugeSizes: numbers that no machine holds, or that overflow, are refused with
// the key or the layer, and what is not refused is counted without overflow.
func TestHugeSizes(t *testing.T) {
	const most = "9223372036854775807"
	for _, c := range []struct{ config, want string }{
		{"{kind: mlp, hidden: [" + most + "]}", "hidden: must be at most 2147483647, got " + most},
		{"{kind: mlp, hidden: [4000000000, 4000000000]}", "hidden: must be at most 2147483647, got 4000000000"},
		{"{kind: mlp, hidden: [2000000000, 2000000000]}", "layer 2 (dense): has weights of shapes [[2000000000 2000000000] [2000000000]]: more numbers than any memory holds"},
		{"{kind: mlp, outputs: " + most + "}", "outputs: must be at most"},
		{"{kind: convnet, filters: [" + most + "]}", "filters: must be at most"},
		{"{kind: convnet, filters: [2000000000], kernel: 2000000000}", "more numbers than any memory holds"},
		{"{kind: convnet, filters: [1], kernel: " + most + "}", "kernel: must be at most"},
		{"{kind: convnet, convs: " + most + "}", "convs: must be at most 10000"},
		{"{kind: convnet, filters: [1, 1, 1], convs: 9000}", "convs: 3 blocks of 9000 convolutions are more than the 10000 layers allowed"},
		{"{kind: resnet, depth: 6000000002}", "depth: must be at most 10000"},
		{"{kind: resnet, width: " + most + "}", "width: must be at most"},
		{"{kind: sequential, layers: [flatten, {kind: dense, units: " + most + "}]}", "units: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: " + most + ", kernel: 3}]}", "filters: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: [3, " + most + "]}]}", "kernel: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: 3, padding: " + most + "}]}", "padding: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: 3, stride: " + most + "}]}", "stride: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 9, kernel: 3, padding: 2147483647}]}", "layer 0 (conv): makes examples of shape 9x"},
		{"{kind: sequential, layers: [{kind: max_pool, size: " + most + "}]}", "size: must be at most"},
		{"{kind: sequential, layers: [{kind: avg_pool, size: 2, stride: " + most + "}]}", "stride: must be at most"},
		{"{kind: sequential, layers: [{kind: max_pool, size: 2147483647}]}", "larger than the image"},
		{"{kind: sequential, layers: [{kind: max_pool, size: " + most + ", padding: 4611686018427387903}]}", "size: must be at most"},
		{"{kind: sequential, layers: [{kind: residual, body: [{kind: conv, filters: " + most + ", kernel: 3}]}]}", "filters: must be at most"},
		{"{kind: sequential, layers: [{kind: group_norm, groups: " + most + "}]}", "do not divide into"},
		{"{kind: mlp, hidden: [" + strings.Repeat("1, ", 6000) + "1]}", "a network of 12003 layers; at most 10000 are allowed"},
	} {
		doc, err := strict.Parse("a.yaml", []byte("model: "+c.config))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("model")
		choice, err := Models.Decode(v)
		if err == nil {
			_, err = choice.Must().Build(tensor.Shape{C: 1, H: 8, W: 8}, 10)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
			t.Errorf("%.100s\n  says %.400v\n  want %s", c.config, err, c.want)
		}
	}

	n := build(t, "{kind: mlp, hidden: [16000000, 16000000]}", tensor.Shape{C: 1, H: 8, W: 8}, 10)
	for name, got := range map[string]int{
		"kept": n.Memory(math.MaxInt/2, 8).Kept, "work": n.Memory(math.MaxInt/2, 8).Work, "gram": n.GramMemory(math.MaxInt/2, 8, UseFormed),
	} {
		if got != size.Max {
			t.Errorf("%s: %d bytes", name, got)
		}
	}
	if got := n.MultiplyAdds().Forward; got < 1<<47 {
		t.Errorf("%d multiply-adds", got)
	}
}
