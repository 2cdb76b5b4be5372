package interrupt

import (
	"context"
	"errors"
	"testing"
)

func TestReturn(t *testing.T) {
	why := errors.New("why")
	if v, err := Return(context.Background(), func() (int, error) { return 3, why }); v != 3 || err != why {
		t.Error(v, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if v, err := Return(ctx, func() (int, error) { cancel(); return 3, why }); v != 3 || err != why {
		t.Error("a function that ends in time:", v, err)
	}
	blocked := make(chan struct{})
	defer close(blocked)
	v, err := Return(ctx, func() (int, error) {
		<-blocked
		return 3, nil
	})
	if v != 0 || !errors.Is(err, context.Canceled) {
		t.Error(v, err)
	}
}
