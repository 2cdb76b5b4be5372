package registry

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

type huber struct {
	Delta float64 `yaml:"delta" doc:"where the quadratic part ends"`
}

type shared struct {
	Limit int `yaml:"limit"`
}

func table() *Table[float64] {
	t := &Table[float64]{Kind: "loss"}
	Add(t, Info{Name: "huber", Doc: "robust"}, huber{Delta: 1}, func(o huber) (float64, error) {
		if o.Delta <= 0 {
			return 0, strict.Field("delta", "must be positive, got %g", o.Delta)
		}
		return o.Delta, nil
	}, huber{Delta: 2})
	Add(t, Info{Name: "fixed"}, struct{}{}, func(struct{}) (float64, error) { return 7, nil })
	Add(t, Info{Name: "broken"}, struct{}{}, func(struct{}) (float64, error) { return 0, errors.New("no") })
	return t
}

func decode(t *testing.T, text string, common ...any) (Choice[float64], error) {
	t.Helper()
	doc, err := strict.Parse("a.yaml", []byte("loss: "+text+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := doc.Root().Lookup("loss")
	return table().Decode(v, common...)
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		text string
		want float64
		yaml string
	}{
		{"huber", 1, "{kind: huber, delta: 1}"},
		{"{kind: huber}", 1, "{kind: huber, delta: 1}"},
		{"{kind: huber, delta: 3}", 3, "{kind: huber, delta: 3}"},
		{"fixed", 7, "{kind: fixed}"},
	} {
		c, err := decode(t, tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if v := c.Must(); v != tt.want {
			t.Errorf("%s: got %g", tt.text, v)
		}
		text, err := yaml.Marshal(c)
		if got := strings.TrimSpace(string(text)); err != nil || got != tt.yaml {
			t.Errorf("%s: resolved to %s, %v; want %s", tt.text, got, err, tt.yaml)
		}
	}
	var s shared
	if c, err := decode(t, "{kind: huber, limit: 4, delta: 2}", &s); err != nil || s.Limit != 4 || c.Must() != 2 {
		t.Errorf("common options: got %+v, %v, %v", s, c, err)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"hubber", `a.yaml:1: loss: unknown loss "hubber"; did you mean "huber"? (known: broken, fixed, huber)`},
		{"{kind: hubber}", `a.yaml:1: loss.kind: unknown loss "hubber"; did you mean "huber"? (known: broken, fixed, huber)`},
		{"{delta: 1}", `a.yaml:1: loss: the key "kind" is missing: it names the loss (known: broken, fixed, huber)`},
		{"{kind: 3}", `a.yaml:1: loss.kind: expected text, got the number 3; put it in quotes: "3"`},
		{"[huber]", "a.yaml:1: loss: expected the name of a loss or a mapping {kind: NAME, ...} (known: broken, fixed, huber)"},
		{"{kind: huber, detla: 2}", `a.yaml:1: loss.detla: unknown key; did you mean "delta"? (known: kind, delta)`},
		{"{kind: huber, delta: 0}", "a.yaml:1: loss.delta: must be positive, got 0"},
		{"broken", "a.yaml:1: loss: no"},
	} {
		if _, err := decode(t, tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	tab := table()
	if e := tab.Entry("huber"); len(e.Trials) != 2 || e.Doc != "robust" {
		t.Errorf("got %+v", e)
	}
	if tab.Entry("x") != nil {
		t.Error("an unknown name has an entry")
	}
	want := []Option{{Key: "delta", Default: "1", Doc: "where the quadratic part ends"}}
	if got := Options(tab.Entry("huber").Defaults); len(got) != 1 || got[0] != want[0] {
		t.Errorf("got %+v", got)
	}
	if tab.Default("huber").Must() != 1 {
		t.Error("wrong default")
	}
	for name, f := range map[string]func(){
		"a duplicate name": func() { Add(tab, Info{Name: "fixed"}, 0, func(int) (float64, error) { return 0, nil }) },
		"no such default":  func() { tab.Default("x") },
		"an invalid Must":  func() { tab.Default("broken").Must() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}

// TestChoose: what a program chooses is what a config with the same options chooses.
func TestChoose(t *testing.T) {
	tab := table()
	for text, choose := range map[string]func() (Choice[float64], error){
		"huber":                   func() (Choice[float64], error) { return Choose[float64, huber](tab, "huber", nil) },
		"{kind: huber}":           func() (Choice[float64], error) { return Choose(tab, "huber", func(*huber) {}) },
		"{kind: huber, delta: 3}": func() (Choice[float64], error) { return Choose(tab, "huber", func(o *huber) { o.Delta = 3 }) },
		"fixed":                   func() (Choice[float64], error) { return Choose(tab, "fixed", func(*struct{}) {}) },
	} {
		got, err := choose()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want, err := decode(t, text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := yaml.Marshal(want); err != nil || string(a) != string(b) {
			t.Errorf("%s: marshals to %s, that of the config to %s, %v", text, a, b, err)
		}
		if got.Name != want.Name || got.Options != want.Options || got.Must() != want.Must() || got.IsZero() {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	if v := tab.Default("huber").Must(); v != 1 {
		t.Errorf("the defaults became %g", v)
	}
}

func TestChooseErrors(t *testing.T) {
	tab := table()
	tab.Refuse("absolute", "it is huber with a small delta")
	for want, choose := range map[string]func() (Choice[float64], error){
		`unknown loss "hubber"; did you mean "huber"? (known: broken, fixed, huber)`: func() (Choice[float64], error) { return Choose(tab, "hubber", func(*huber) {}) },
		"there is no loss absolute: it is huber with a small delta":                  func() (Choice[float64], error) { return Choose(tab, "absolute", func(*huber) {}) },
		"loss huber: its options are registry.huber, not registry.shared":            func() (Choice[float64], error) { return Choose(tab, "huber", func(*shared) {}) },
		"loss huber: its options are registry.huber, not float64":                    func() (Choice[float64], error) { return Choose(tab, "huber", func(*float64) {}) },
		"loss huber: delta: must be positive, got -1":                                func() (Choice[float64], error) { return Choose(tab, "huber", func(o *huber) { o.Delta = -1 }) },
		"loss broken: no": func() (Choice[float64], error) { return Choose(tab, "broken", func(*struct{}) {}) },
	} {
		c, err := choose()
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
		if !c.IsZero() {
			t.Errorf("%s: a choice was made", want)
		}
	}
	var field *strict.FieldError
	if _, err := Choose(tab, "huber", func(o *huber) { o.Delta = 0 }); !errors.As(err, &field) || field.Key != "delta" {
		t.Errorf("the error does not know its key: %v", err)
	}
}

// TestListOption: a list that an option has by default stands on one line, as in a config.
func TestListOption(t *testing.T) {
	got := Options(struct {
		Sizes []int `yaml:"sizes" doc:"of blocks"`
	}{[]int{32, 64}})
	if want := []Option{{Key: "sizes", Default: "[32, 64]", Doc: "of blocks"}}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
