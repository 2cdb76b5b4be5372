package scores

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes parts as tables of GitHub's Markdown.
func WriteMarkdown(w io.Writer, parts []Part) error {
	e := &errorWriter{w: w}
	for _, p := range parts {
		if p.Title != "" {
			fmt.Fprintf(e, "## %s\n\n", markdown.Replace(p.Title))
		}
		for _, a := range p.Alerts {
			fmt.Fprintf(e, "> **Note:** %s\n\n", markdown.Replace(a))
		}
		for _, t := range p.Tables {
			t.writeMarkdown(e)
		}
	}
	return e.err
}

// markdown escapes what Markdown, or the HTML in it, would take for its own.
var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "$", `\$`, "\n", " ", "\r", " ")

func (t *Table) writeMarkdown(w io.Writer) {
	if t.Title != "" {
		fmt.Fprintf(w, "%s\n\n", markdown.Replace(t.Title))
	}
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(w, "| %s ", markdown.Replace(c))
		}
		fmt.Fprintln(w, "|")
	}
	if t.Head != nil {
		line(t.Head)
		fmt.Fprintln(w, "| :--- "+strings.Repeat("| ---: ", len(t.Head)-1)+"|")
		for _, row := range t.Rows {
			line(row)
		}
		fmt.Fprintln(w)
	}
	for i, n := range t.Notes {
		fmt.Fprintf(w, "(%d) %s\n\n", i+1, markdown.Replace(n))
	}
}

// WriteTeX writes parts as tables of LaTeX, which need its packages booktabs and graphicx: tables
// that are wider than the text are made smaller.
func WriteTeX(w io.Writer, parts []Part) error {
	e := &errorWriter{w: w}
	fmt.Fprintln(e, `% needs \usepackage[T1]{fontenc} and \usepackage{booktabs,graphicx}`)
	for _, p := range parts {
		if p.Title != "" {
			fmt.Fprintf(e, "\n%% %s\n", tex.Replace(p.Title))
		}
		for _, a := range p.Alerts {
			fmt.Fprintf(e, "%% ! %s\n", tex.Replace(a))
		}
		for _, t := range p.Tables {
			t.writeTeX(e, p.Title)
		}
	}
	return e.err
}

// tex escapes what LaTeX would take for its own.
var tex = strings.NewReplacer(`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "%", `\%`, "$", `\$`, "#", `\#`, "&", `\&`, "_", `\_`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`,
	"<=", `$\le$`, ">=", `$\ge$`, "<", `$<$`, ">", `$>$`, "±", `$\pm$`, "\n", " ", "\r", " ")

func (t *Table) writeTeX(w io.Writer, of string) {
	if t.Head == nil {
		fmt.Fprintf(w, "%% %s\n", tex.Replace(t.Title))
		return
	}
	caption := t.Title
	if of != "" {
		caption = of + ": " + caption
	}
	line := func(cells []string) {
		out := make([]string, len(cells))
		for i, c := range cells {
			out[i] = tex.Replace(c)
			if strings.HasPrefix(c, "[") { // would be an argument of \\
				out[i] = "{}" + out[i]
			}
		}
		fmt.Fprintf(w, "  %s \\\\\n", strings.Join(out, " & "))
	}
	fmt.Fprintf(w, "\n\\begin{table}\n\\centering\n\\caption{%s}\n\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%%\n\\begin{tabular}{l%s}\n  \\toprule\n", tex.Replace(caption), strings.Repeat("r", len(t.Head)-1))
	line(t.Head)
	fmt.Fprintln(w, `  \midrule`)
	for _, row := range t.Rows {
		line(row)
	}
	fmt.Fprint(w, "  \\bottomrule\n\\end{tabular}}\n")
	for i, n := range t.Notes {
		fmt.Fprintf(w, "\\par\\footnotesize (%d) %s\n", i+1, tex.Replace(n))
	}
	fmt.Fprintln(w, `\end{table}`)
}
