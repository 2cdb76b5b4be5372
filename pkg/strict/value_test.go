package strict

import (
	"fmt"
	"strings"
	"testing"
)

// TestList: commas split at the top level only, and nothing is ignored.
func TestList(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string // values, as Go prints them; or a part of the error
	}{
		{"1", "[1]"},
		{"1, 2.5,true,cosine", "[1 2.5 true cosine]"},
		{"[64],[64, 32],[]", "[[64] [64 32] []]"},
		{"{schedule: cosine, initial: 1},0.1", "[map[initial:1 schedule:cosine] 0.1]"},
		{"'a,b',\"c,d\",it's", "[a,b c,d it's]"},
		{"a#b,&x 1,*x", "[a#b 1 1]"},
		{"~", "[<nil>]"},
		{"", "there are none"},
		{" ", "there are none"},
		{",", "a value is empty"},
		{"1,,2", "a value is empty"},
		{"1,2,", "a value is empty"},
		{"[1,2", "brackets or quotes do not match"},
		{"'a", "brackets or quotes do not match"},
		{"1],[2", "a bracket closes too early"},
		{"1]: [2", "a bracket closes too early"},
		{"1]\n---\n[2", "a bracket closes too early"},
		{"1, # two\n2", "# begins a comment"},
		{"1] #2", "a bracket closes too early"},
	} {
		got, err := List("--grid k="+tt.text, tt.text)
		text := fmt.Sprint(err)
		if err == nil {
			var plain []any
			for _, v := range got {
				x, err := v.Any()
				if err != nil {
					t.Error(err)
				}
				plain = append(plain, x)
			}
			text = fmt.Sprint(plain)
		}
		if err == nil && text != tt.want || err != nil && (!strings.Contains(text, tt.want) || !strings.HasPrefix(text, Plain("--grid k="+tt.text)+": ")) {
			t.Errorf("%q: got %s, want %s", tt.text, text, tt.want)
		}
	}
}

// TestWith: a mapping takes over keys that it lacks, which keep their places, and is told
// of where it was written.
func TestWith(t *testing.T) {
	doc, err := Parse("w.yaml", []byte("base: {a: 1,\n  b: {c: 2}}\nown: {a: 3}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Set("own.d", "4"); err != nil {
		t.Fatal(err)
	}
	base, _ := doc.Root().Lookup("base")
	own, _ := doc.Root().Lookup("own")
	all := own
	for _, key := range base.Keys() {
		v, _ := base.Lookup(key)
		all = all.With(key, v)
	}
	x, err := all.Any()
	if got := fmt.Sprint(x, all.Keys(), own.Keys(), doc.Root().Keys()); err != nil || got != "map[a:3 b:map[c:2] d:4] [a d b] [a d] [base own]" {
		t.Errorf("%s, %v", got, err)
	}
	if c, ok := all.Lookup("b.c"); !ok || c.Where() != "w.yaml:2" || all.Where() != "w.yaml:3" {
		t.Errorf("%s, %s", c.Where(), all.Where())
	}
	if a, _ := base.Lookup("a"); a.Keys() != nil {
		t.Error("a number has keys")
	}
}

// splits cuts a text at the commas outside brackets, for texts without quotes,
// comments and anchors: an independent account of what List does.
func splits(text string) (parts []string, ok bool) {
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '[':
			depth++
		case ']':
			if depth--; depth < 0 {
				return nil, false
			}
		case ',':
			if depth == 0 {
				parts, from = append(parts, text[from:i]), i+1
			}
		}
	}
	return append(parts, text[from:]), depth == 0
}

// FuzzList: a list that is read has as many values as it has commas that split,
// and each value is what it is alone.
func FuzzList(f *testing.F) {
	for _, s := range []string{"1,2", "[1,2],3", "1,,2", "1]#,[2", "[[1],2],[3]", "a,b c,", "1],[2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := List("--grid k=", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "--grid k=") {
				t.Errorf("the error does not name its origin: %v", err)
			}
			return
		}
		if strings.Trim(text, "[], \nabc0123456789.e") != "" {
			return
		}
		parts, ok := splits(text)
		if !ok || len(parts) != len(values) {
			t.Fatalf("%q: %d values, want %d", text, len(values), len(parts))
		}
		for i, p := range parts {
			alone, err := List("", p)
			if err != nil || len(alone) != 1 {
				t.Fatalf("%q is a value of %q, but alone: %v", p, text, err)
			}
			x, errX := alone[0].Any()
			y, errY := values[i].Any()
			if errX != nil || errY != nil || fmt.Sprint(x) != fmt.Sprint(y) {
				t.Errorf("%q in %q: got %v, want %v", p, text, y, x)
			}
		}
	})
}

func list(t *testing.T, origin, text string) []Value {
	t.Helper()
	v, err := List(origin, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAssign: a value goes into a clone alone, with its origin; what another
// assignment made stays.
func TestAssign(t *testing.T) {
	const text = "name: a\nepochs: 1\nmethods:\n- {name: GN, oracle: {kind: k, gamma: 1}}\n- {name: GN v1.5, oracle: {kind: k}}\n"
	doc, err := Parse("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Set("seeds", "[1]"); err != nil {
		t.Fatal(err)
	}
	clone := doc.Clone()
	for _, key := range []string{"methods.*.oracle.gamma", "epochs"} {
		if err := clone.Assign(key, list(t, "--grid "+key+"=7", "7")[0]); err != nil {
			t.Fatal(err)
		}
	}
	var was, is config
	if err := doc.Root().Decode(&was); err != nil {
		t.Fatal(err)
	}
	if err := clone.Root().Decode(&is); err != nil {
		t.Fatal(err)
	}
	if was.Epochs != 1 || was.Methods[0].Oracle.Gamma != 1 || is.Epochs != 7 || is.Methods[0].Oracle.Gamma != 7 || is.Methods[1].Oracle.Gamma != 7 {
		t.Errorf("was %+v, is %+v", was, is)
	}
	for _, tt := range []struct{ key, value, want string }{
		{"seeds", "[2]", "--zip seeds=[2]: the key, or a part of it, is given twice: also by --set seeds=[1]"},
		{"methods.GN.oracle.gamma", "2", "--zip methods.GN.oracle.gamma=2: the key, or a part of it, is given twice: also by --grid methods.*.oracle.gamma=7"},
		{"methods.GN.oracle", "{kind: k}", "--zip methods.GN.oracle={kind: k}: the key, or a part of it, is given twice: also by --grid methods.*.oracle.gamma=7"},
		{"name.x", "1", `--zip name.x=1: the key goes through the text "a", which has no keys`},
	} {
		err := clone.Assign(tt.key, list(t, "--zip "+tt.key+"="+tt.value, tt.value)[0])
		if err == nil || err.Error() != tt.want {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
	if err := clone.Assign("epoch", list(t, "x", "7")[0].From("b.yaml:3")); err != nil {
		t.Fatal(err)
	}
	if err := clone.Root().Decode(&is); err == nil || !strings.HasPrefix(err.Error(), `b.yaml:3: epoch: unknown key; did you mean "epochs"?`) {
		t.Errorf("says %v", err)
	}

	clone.Only("methods", 1)
	clone.Drop("epoch")
	clone.Drop("nosuch")
	is = config{}
	if err := clone.Root().Decode(&is); err != nil || len(is.Methods) != 1 || is.Methods[0].Name != "GN v1.5" {
		t.Errorf("%+v, %v", is, err)
	}
}

func TestElements(t *testing.T) {
	doc, err := Parse("a.yaml", []byte("methods: [{name: GN}, {name: GN v1.5}, {name: Adam}]\nepochs: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	methods, _ := doc.Root().Lookup("methods")
	for _, tt := range []struct{ key, want string }{
		{"GN.oracle.gamma", "[0] oracle.gamma"},
		{"GN v1.5.oracle", "[1] oracle"},
		{"GN v1.5", "[1] "},
		{"*.x", "[0 1 2] x"},
		{"2.x.y", "[2] x.y"},
		{"SGD.x", `no element of the list fits "SGD.x" (known: "GN", "GN v1.5", "Adam", 0 to 2, *)`},
		{"3.x", `no element of the list fits "3.x" (known: "GN", "GN v1.5", "Adam", 0 to 2, *)`},
	} {
		at, rest, err := methods.Elements(tt.key)
		got := fmt.Sprint(at, " ", rest)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.key, got, tt.want)
		}
	}
	epochs, _ := doc.Root().Lookup("epochs")
	if _, _, err := epochs.Elements("x"); err == nil {
		t.Error("a number has elements")
	}
}
