package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

//go:embed web
var web embed.FS

// scripts are the parts of the page's script, in their order.
var scripts = []string{"data", "stats", "ticks", "chart", "svg", "tooltip", "legend", "curves", "table", "steps", "figures", "runs", "main"}

// JSON is what the page shows, as its script reads it.
func (p *Page) JSON() ([]byte, error) { return json.Marshal(p.doc) }

// source returns a file of web/.
func source(name string) string {
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(b)
}

// script is the script of the page: one scope, which no other script sees.
func script() string {
	var b strings.Builder
	b.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range scripts {
		b.WriteString(source("js/" + name + ".js"))
	}
	b.WriteString("})();\n")
	return b.String()
}

// hashOf is how a content security policy names a script or a style.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page. The data are compressed, as BASE64, which also keeps any text in them
// from being taken for HTML; the policy of the page allows its own two scripts, and no request
// but, where it is watched, to its own server.
func (p *Page) Write(w io.Writer) error {
	data, err := p.JSON()
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	library, own := source("vendor/uPlot.iife.min.js"), script()
	sheets := source("vendor/uPlot.min.css") + source("style.css")
	connect := "'none'"
	if p.doc.Watch {
		connect = "'self'"
	}
	text := func(s string) string { return html.EscapeString(strict.Printable(s)) }
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; connect-src " + connect + "; script-src " + hashOf(library) + " " + hashOf(own) + "; style-src " + hashOf(sheets)
	// One pass: what is put in is not looked at again.
	_, err = strings.NewReplacer(
		"{{title}}", text(p.doc.Title), "{{version}}", text(p.doc.Version), "{{policy}}", html.EscapeString(policy),
		"{{style}}", sheets, "{{library}}", library, "{{script}}", own,
		"{{tables}}", p.tables(text), "{{licence}}", text(source("vendor/LICENSE")),
		"{{data}}", base64.StdEncoding.EncodeToString(packed.Bytes()),
	).WriteString(w, source("page.html"))
	return err
}

// tables are the scores as HTML, for readers without JavaScript.
func (p *Page) tables(text func(string) string) string {
	var b strings.Builder
	tag := func(name, content string) { fmt.Fprintf(&b, "<%s>%s</%s>", name, content, strings.Fields(name)[0]) }
	tag(`p class="alert"`, "Curves, sorting and filters need JavaScript, which is off. These are the tables.")
	if len(p.doc.Sections) == 0 {
		tag("p", "There are no runs yet.")
	}
	for _, s := range p.doc.Sections {
		for _, part := range s.Parts {
			tag("h2", text(part.Title))
			for _, a := range part.Alerts {
				tag(`p class="alert"`, text(a))
			}
			for _, t := range part.Tables {
				tag("p", text(t.Title))
				row := func(cell string, cells []string) string {
					out := "<tr>"
					for _, c := range cells {
						out += "<" + cell + ">" + text(c) + "</" + cell + ">"
					}
					return out + "</tr>\n"
				}
				rows := row("th", t.Head)
				for _, cells := range t.Rows {
					rows += row("td", cells)
				}
				tag(`div class="scroll"`, "<table>"+rows+"</table>")
				for i, n := range t.Notes {
					tag("p", text(fmt.Sprintf("(%d) %s", i+1, n)))
				}
			}
		}
	}
	return b.String()
}
