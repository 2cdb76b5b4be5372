package optim

import (
	"errors"
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Choice is an optimizer within the options of another: its name, or a mapping with its
// options.
type Choice struct{ registry.Choice[Spec] }

var _ strict.Unmarshaler = (*Choice)(nil)

// UnmarshalStrict reads what a config has under the key.
func (c *Choice) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = Known.Decode(v)
	return err
}

// choiceOf is an optimizer that is the default of an option, while the table fills up.
func choiceOf[O any](name string, options O, build func(O) (Spec, error)) Choice {
	return Choice{registry.ChoiceOf(&Known, name, options, build)}
}

// A Nesting spec has other optimizers within.
type Nesting interface {
	Within() []Choice
}

// names returns the name of the optimizer, and those of all within it.
func (c Choice) names() []string {
	list := []string{c.Name}
	if n, ok := c.Must().(Nesting); ok {
		for _, inner := range n.Within() {
			list = append(list, inner.names()...)
		}
	}
	return list
}

// check returns an error about the key unless the choice may be within an optimizer.
func (c Choice) check(key, within string) error {
	if c.IsZero() {
		return strict.Field(key, "is missing: it names an optimizer, as in {kind: adamw, learning_rate: 0.001}")
	}
	if slices.Contains(c.names(), within) {
		return strict.Field(key, "%s cannot be within itself; take another optimizer", within)
	}
	for _, name := range c.names() {
		if name == scheduleFree {
			return strict.Field(key, "%s cannot be within %s: its answer is not where it takes gradients, but a mean that other changes of the weights would spoil; take another optimizer", scheduleFree, within)
		}
	}
	return nil
}

// fits returns the error of [Fits], about a key of the options that the choice is the key of.
func (c Choice) fits(key string, l tensor.Layout) error {
	err := Fits(c.Must(), l)
	var field *strict.FieldError
	if errors.As(err, &field) {
		return strict.Field(key+"."+field.Key, "%s", field.Msg)
	}
	return err
}
