package size

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestExact compares with arithmetic that has no largest number.
func TestExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 10), rapid.IntRange(0, 1<<31), rapid.IntRange(0, Max)), 0, 5).Draw(t, "counts")
		sum, product := new(big.Int), big.NewInt(1)
		for _, n := range counts {
			sum.Add(sum, big.NewInt(int64(n)))
			product.Mul(product, big.NewInt(int64(n)))
		}
		for _, c := range []struct {
			got  int
			want *big.Int
		}{{Sum(counts...), sum}, {Product(counts...), product}} {
			want := Max
			if c.want.IsInt64() {
				want = int(c.want.Int64())
			}
			if c.got != want {
				t.Fatalf("%v: got %d, want %d", counts, c.got, want)
			}
		}
	})
}

func TestBytes(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1536: "1.5 KiB", 3 << 20: "3.0 MiB", 5 << 30: "5.0 GiB",
		3 << 40: "3.0 TiB", 1 << 50: "1.0 PiB", 1 << 60: "1.0 EiB", Max - 1: "8.0 EiB", Max: "more than can be counted",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
