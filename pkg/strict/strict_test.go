package strict

import (
	"strings"
	"testing"
)

type oracle struct {
	Kind  string  `yaml:"kind"`
	Gamma float64 `yaml:"gamma"`
}

type method struct {
	Name   string `yaml:"name"`
	Oracle oracle `yaml:"oracle"`
}

type config struct {
	Name    string   `yaml:"name"`
	Seeds   []uint64 `yaml:"seeds"`
	Epochs  int      `yaml:"epochs"`
	Offline bool     `yaml:"offline"`
	Target  *oracle  `yaml:"target"`
	Methods []method `yaml:"methods"`
	_       int      // what is not exported is no key
}

func decode(t *testing.T, text string, sets ...string) (config, error) {
	t.Helper()
	doc, err := Parse("a.yaml", []byte(text))
	if err != nil {
		return config{}, err
	}
	for _, s := range sets {
		key, value, _ := strings.Cut(s, "=")
		if err := doc.Set(key, value); err != nil {
			return config{}, err
		}
	}
	c := config{Epochs: 7}
	err = doc.Root().Decode(&c)
	return c, err
}

// TestErrors holds the exact text of every complaint: it is what users see.
func TestErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "a.yaml: the file is empty; expected a mapping of settings"},
		{"name: a\nname: b\n", "a.yaml:2: name: duplicate key, first on line 1"},
		{"name: !python/object a\n", "a.yaml:1: the tag !python/object has no meaning here; leave it out"},
		{"epochs: 3\nseeds: !!set {1, 2}\n", "a.yaml:2: the tag !!set has no meaning here; leave it out"},
		{"epochs: 3\nepoch: 4\n", `a.yaml:2: epoch: unknown key; did you mean "epochs"? (known: name, seeds, epochs, offline, target, methods)`},
		{"Epochs: 3\n", `a.yaml:1: Epochs: unknown key; did you mean "epochs"? (known: name, seeds, epochs, offline, target, methods)`},
		{"private: 3\n", "a.yaml:1: private: unknown key (known: name, seeds, epochs, offline, target, methods)"},
		{"name: 12\n", `a.yaml:1: name: expected text, got the number 12; put it in quotes: "12"`},
		{"name: true\n", `a.yaml:1: name: expected text, got the truth value true; put it in quotes: "true"`},
		{"epochs: 010\n", "a.yaml:1: epochs: 010 is a number of base 8 to some readers of YAML and of base 10 to others; write it without the 0 in front, or as 0o..."},
		{"seeds: [07, 0o10, 08]\n", "a.yaml:1: seeds[2]: 08 is a number of base 8 to some readers of YAML and of base 10 to others; write it without the 0 in front, or as 0o..."},
		{"epochs: many\n", `a.yaml:1: epochs: expected a whole number, got the text "many"`},
		{"epochs: 1.5\n", "a.yaml:1: epochs: expected a whole number, got the number 1.5"},
		{"epochs: 99999999999999999999\n", "a.yaml:1: epochs: expected a whole number, got the number 99999999999999999999"},
		{"epochs:\n", "a.yaml:1: epochs: has no value; expected a whole number (leave the key out for the default)"},
		{"seeds: 1\n", "a.yaml:1: seeds: expected a list, got the number 1"},
		{"seeds: [1, -1]\n", "a.yaml:1: seeds[1]: expected a whole number that is not negative, got the number -1"},
		{"offline: 1\n", "a.yaml:1: offline: expected true or false, got the number 1"},
		{"target: {gamma: .nan}\n", "a.yaml:1: target.gamma: expected a finite number, got .nan"},
		{"target: {gamma: .inf}\n", "a.yaml:1: target.gamma: expected a finite number, got .inf"},
		{"target: [1]\n", "a.yaml:1: target: expected a mapping with the keys kind, gamma; got a list"},
		{"- 1\n", "a.yaml:1: expected a mapping with the keys name, seeds, epochs, offline, target, methods; got a list"},
		{"methods:\n- name: GN dual\n  oracle: {kind: x, gama: 1}\n", `a.yaml:3: methods.GN dual.oracle.gama: unknown key; did you mean "gamma"? (known: kind, gamma)`},
		{"methods:\n- oracle: {gamma: x}\n", `a.yaml:2: methods[0].oracle.gamma: expected a number, got the text "x"`},
		{"{[1]: 2}\n", "a.yaml:1: a key must be text, got a list"},
		{"name: a\n---\nname: b\n", "a.yaml:2: a second YAML document starts here; a file holds one"},
		{"a: &a [*a]\n", "a.yaml:1: nested more than 100 levels deep"},
		{"name: [\n", "a.yaml: line 1: did not find expected node content"},
		{"epoch: 1\nofline: true\n", "a.yaml:1: epoch: unknown key; did you mean \"epochs\"? (known: name, seeds, epochs, offline, target, methods)\n" +
			"a.yaml:2: ofline: unknown key; did you mean \"offline\"? (known: name, seeds, epochs, offline, target, methods)"},
	} {
		_, err := decode(t, tt.text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestDecode(t *testing.T) {
	c, err := decode(t, "name: a\nseeds: [3, 0x10]\ntarget: {gamma: 1e-3}\nmethods: [{name: x, oracle: &o {kind: k, gamma: 2}}, {name: y, oracle: *o}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "a" || c.Epochs != 7 || c.Seeds[1] != 16 || c.Target.Gamma != 1e-3 || c.Methods[1].Oracle.Gamma != 2 {
		t.Errorf("got %+v", c)
	}
}

func TestSet(t *testing.T) {
	const text = "name: a\nmethods:\n- {name: GN, oracle: {kind: k}}\n- {name: GN v1.5, oracle: {kind: k}}\n"
	for _, tt := range []struct {
		set  string
		want func(c config) bool
	}{
		{"epochs=3", func(c config) bool { return c.Epochs == 3 }},
		{"seeds=[1, 2]", func(c config) bool { return len(c.Seeds) == 2 }},
		{"name=x: y", nil},
		{"name='x: y'", func(c config) bool { return c.Name == "x: y" }},
		{"target.gamma=2", func(c config) bool { return c.Target.Gamma == 2 }},
		{"target={gamma: 2}", func(c config) bool { return c.Target.Gamma == 2 }},
		{"methods.GN.oracle.gamma=2", func(c config) bool { return c.Methods[0].Oracle.Gamma == 2 && c.Methods[1].Oracle.Gamma == 0 }},
		{"methods.GN v1.5.oracle.gamma=2", func(c config) bool { return c.Methods[0].Oracle.Gamma == 0 && c.Methods[1].Oracle.Gamma == 2 }},
		{"methods.1.oracle.gamma=2", func(c config) bool { return c.Methods[1].Oracle.Gamma == 2 }},
		{"methods.*.oracle.gamma=2", func(c config) bool { return c.Methods[0].Oracle.Gamma == 2 && c.Methods[1].Oracle.Gamma == 2 }},
		{"methods.0={name: z}", func(c config) bool { return c.Methods[0].Name == "z" }},
	} {
		c, err := decode(t, text, tt.set)
		if tt.want == nil {
			if err == nil {
				t.Errorf("%s: no error", tt.set)
			}
		} else if err != nil || !tt.want(c) {
			t.Errorf("%s: got %+v, %v", tt.set, c, err)
		}
	}
	for _, tt := range []struct{ set, want string }{
		{"epoch=3", `--set epoch=3: epoch: unknown key; did you mean "epochs"? (known: name, seeds, epochs, offline, target, methods)`},
		{"epochs=x", `--set epochs=x: epochs: expected a whole number, got the text "x"`},
		{"epochs=", `--set epochs=: epochs: has no value; expected a whole number (leave the key out for the default)`},
		{"name.x=1", `--set name.x=1: the key goes through the text "a", which has no keys`},
		{"methods.Adam.oracle.gamma=1", `--set methods.Adam.oracle.gamma=1: no element of the list fits "Adam.oracle.gamma" (known: "GN", "GN v1.5", 0 to 1, *)`},
		{"methods.GN.oracle.gama=1", `--set methods.GN.oracle.gama=1: methods.GN.oracle.gama: unknown key; did you mean "gamma"? (known: kind, gamma)`},
		{"seeds=[1", `--set seeds=[1: the value is not YAML: line 1: did not find expected ',' or ']'`},
	} {
		if _, err := decode(t, text, tt.set); err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.set, err, tt.want)
		}
	}
}

// TestSetAlias: an assignment to one of two places that share a value by an
// alias leaves the other alone.
func TestSetAlias(t *testing.T) {
	const text = "methods:\n- {name: x, oracle: &o {kind: k, gamma: 2}}\n- {name: y, oracle: *o}\n"
	for i, name := range []string{"x", "y"} {
		c, err := decode(t, text, "methods."+name+".oracle.gamma=3")
		if err != nil {
			t.Fatal(err)
		}
		if c.Methods[i].Oracle.Gamma != 3 || c.Methods[1-i].Oracle.Gamma != 2 {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	_, err := decode(t, "target: &o {gamma: x}\nmethods:\n- name: y\n  oracle: *o\n")
	if want := "a.yaml:1: target.gamma: expected a number, got the text \"x\"\na.yaml:1: methods.y.oracle.gamma: expected a number, got the text \"x\""; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestLocate: a constructor's complaint gets the line of the option.
func TestLocate(t *testing.T) {
	doc, err := Parse("a.yaml", []byte("oracle:\n  kind: k\n  gamma: -1\n  list:\n  - {a: 1}\n  - {a: 2,\n     b: 3}\n"))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := doc.Root().Lookup("oracle")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{Field("gamma", "must be positive, got %g", -1.0), "a.yaml:3: oracle.gamma: must be positive, got -1"},
		{Field("delta", "is missing"), "a.yaml:2: oracle.delta: is missing"},
		{Field("list[1]", "x"), "a.yaml:6: oracle.list[1]: x"},
		{Field("list[1].b", "x"), "a.yaml:7: oracle.list[1].b: x"},
		{Field("list[2]", "x"), "a.yaml:2: oracle.list[2]: x"},
		{Field("list[1]b", "x"), "a.yaml:2: oracle.list[1]b: x"},
		{Field("gamma[0]", "x"), "a.yaml:2: oracle.gamma[0]: x"},
		{v.Errorf("x"), "a.yaml:2: oracle: x"},
	} {
		if got := v.Locate(tt.err); got.Error() != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if v.Locate(nil) != nil {
		t.Error("Locate(nil) is an error")
	}
}

// FuzzDecode: no document and no assignment panics or hangs.
func FuzzDecode(f *testing.F) {
	f.Add("name: a\nseeds: [1]\n", "epochs", "3")
	f.Add("methods: [{name: x, oracle: {gamma: 1}}]", "methods.x.oracle.gamma", "{a: b}")
	f.Add("a: &a [*a]", "a", "1")
	f.Add("a: &a {b: 1}\nc: {<<: *a}", "c.b", "[")
	f.Add("? [x]\n: y", "methods.*", "")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		doc, err := Parse("a.yaml", []byte(text))
		if err != nil {
			return
		}
		if err := doc.Set(key, value); err != nil && !strings.HasPrefix(err.Error(), "--set ") {
			t.Errorf("an error of Set does not name the assignment: %v", err)
		}
		var c config
		if err := doc.Root().Decode(&c); err != nil && !strings.HasPrefix(err.Error(), "a.yaml") && !strings.HasPrefix(err.Error(), "--set") {
			t.Errorf("an error of Decode has no place: %v", err)
		}
	})
}
