package strict

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuote(t *testing.T) {
	for _, tt := range []struct{ in, quoted, plain string }{
		{"a", `"a"`, "a"},
		{"Ньютон 梯度", `"Ньютон 梯度"`, "Ньютон 梯度"},
		{"a\nb\x1b[31m\x00", `"a\nb\x1b[31m\x00"`, `a\nb\x1b[31m\x00`},
		{"a\u202eb\u200f", `"a\u202eb\u200f"`, `a\u202eb\u200f`},
		{"a\xffb", `"a\xffb"`, `a\xffb`},
		{strings.Repeat("я", 60), `"` + strings.Repeat("я", 60) + `"`, strings.Repeat("я", 60)},
		{strings.Repeat("я", 1000), `"` + strings.Repeat("я", 60) + `"... (1000 characters)`, strings.Repeat("я", 120) + "... (1000 characters)"},
	} {
		if q, p := Quote(tt.in), Plain(tt.in); q != tt.quoted || p != tt.plain {
			t.Errorf("%.80q: got %s and %s", tt.in, q, p)
		}
	}
}

// TestOneLine: what a terminal would obey is escaped, whatever its letters are.
func TestOneLine(t *testing.T) {
	if got := OneLine("a\nb\x00c\u202ed 方"); got != `a\nb\x00c\u202ed 方` {
		t.Errorf("%q", got)
	}
}

// TestLongText: whatever is long in a document, messages about it are short,
// printable, and made at once.
func TestLongText(t *testing.T) {
	long := strings.Repeat("x", 4_000_000)
	for name, text := range map[string]string{
		"key":        long + ": 1\n",
		"nested key": "methods: [{oracle: {" + long + ": 1}}]\n",
		"name":       "name: [1]\nmethods: [{name: " + long + ", oracl: 1}]\n",
		"value":      "epochs: " + long + "\n",
		"number":     "epochs: " + strings.Repeat("9", 4_000_000) + "\n",
		"quoted":     "epochs: \"\\e" + long + "\\0\"\n",
		"anchor":     "epochs: *" + long + "\n",
		"tag":        "epochs: !" + long + " 1\n",
		"field":      "name: " + long + "\n",
		"kind":       "methods: [{oracle: {kind: " + long + "}}]\nepoch: 1\n",
	} {
		began := time.Now()
		doc, err := Parse("a.yaml", []byte(text))
		if err == nil {
			var c config
			if err = doc.Root().Decode(&c); err == nil {
				err = doc.Root().Locate(Field("name", "must be a or b, got %q or %v", c.Name, []string{c.Name}))
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if s := err.Error(); len(s) > 600 || strings.ContainsAny(s, "\x1b\x00") {
			t.Errorf("%s: %d bytes: %.300q", name, len(s), s)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	if err := fmt.Sprint(Suggest(long, []string{"name", long})); len(err) > 300 {
		t.Errorf("a suggestion of %d bytes", len(err))
	}
}

// TestSuggestDiffers: nothing is suggested that was given.
func TestSuggestDiffers(t *testing.T) {
	if got := Suggest("a", []string{"a"}); strings.Contains(got, "did you mean") {
		t.Errorf("got %s", got)
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprint("column ", i))
	}
	if got := Suggest("x", many); !strings.HasSuffix(got, "column 49, and 950 more)") {
		t.Errorf("got %s", got)
	}
}

// TestMerge: << as https://yaml.org/type/merge.html has it, and strict.
func TestMerge(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"methods:\n- &b {name: B, oracle: &o {kind: k, gamma: 2}}\n- {<<: *b, name: C}\n- {name: D, oracle: {<<: *o, gamma: 3}}\n", "[{B {k 2}} {C {k 2}} {D {k 3}}]"},
		{"methods:\n- {name: D, <<: {oracle: {kind: k}}}\n", "[{D {k 0}}]"},
		{"methods:\n- &a {name: A, oracle: {kind: a}}\n- &b {name: B, oracle: {kind: b}}\n- {<<: [*b, *a]}\n", "[{A {a 0}} {B {b 0}} {B {b 0}}]"},
		{"methods:\n- &a {name: A}\n- &b {<<: *a, oracle: {kind: b}}\n- {<<: *b}\n", "[{A { 0}} {A {b 0}} {A {b 0}}]"},
		{"methods:\n- &a\n  name: A\n  oracl: {kind: k}\n- {<<: *a}\n", "a.yaml:4: methods.A.oracl: unknown key"},
		{"methods:\n- {name: A, <<: {\n  oracl: 1}}\n", "a.yaml:3: methods.A.oracl: unknown key"},
		{"methods:\n- {name: A, <<: {oracle: {kind: k}, oracle: {kind: l}}}\n", "a.yaml:2: methods.A.oracle: duplicate key, first on line 2"},
		{"methods:\n- {name: A, <<: 3}\n", "a.yaml:2: <<: merges a mapping, or a list of mappings, into the one it stands in; got the number 3"},
		{"methods:\n- {name: A, <<: [{}, x]}\n", `got the text "x"`},
		{"methods:\n- {name: A, <<: {},\n   <<: {}}\n", "a.yaml:3: <<: duplicate key, first on line 2"},
		{"methods:\n- {name: A, '<<': {}}\n", "methods.A.<<: unknown key"},
		{"a: &a {<<: *a}\n", "nested more than 100 levels deep"},
	} {
		var c config
		doc, err := Parse("a.yaml", []byte(tt.text))
		if err == nil {
			err = doc.Root().Decode(&c)
		}
		got := fmt.Sprint(err)
		if err == nil {
			got = "["
			for i, m := range c.Methods {
				if i > 0 {
					got += " "
				}
				got += fmt.Sprintf("{%s {%s %g}}", m.Name, m.Oracle.Kind, m.Oracle.Gamma)
			}
			got += "]"
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}

	doc, err := Parse("a.yaml", []byte("methods: [&a {name: A, oracle: {kind: k, gamma: 1}}, {<<: *a, name: B}]\n"))
	if err == nil {
		err = doc.Set("methods.B.oracle.gamma", "7")
	}
	var c config
	if err == nil {
		err = doc.Root().Decode(&c)
	}
	if err != nil || c.Methods[0].Oracle.Gamma != 1 || c.Methods[1].Oracle.Gamma != 7 {
		t.Errorf("setting a merged key: %+v, %v", c.Methods, err)
	}
}

// TestBomb: aliases, and merges of them, that unfold to a billion values.
func TestBomb(t *testing.T) {
	for _, item := range []string{"[%s]", "{<<: [%s]}"} {
		text := "a0: &a0 {k: 1}\n"
		for i := 1; i < 10; i++ {
			alias := fmt.Sprintf("*a%d", i-1)
			text += fmt.Sprintf("a%d: &a%d "+item+"\n", i, i, strings.Repeat(alias+", ", 9)+alias)
		}
		if _, err := Parse("a.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "unfold to, more than 1000000 values") {
			t.Errorf("says %v", err)
		}
	}
}
