package indexes

import (
	"cmp"
	"slices"
	"strings"
)

// Collection is a collection's indexes.
type Collection struct {
	Name    string
	Indexes []Index
}

// fileVersion is the version of the form of index files.
const fileVersion = 1

// Documented is a collection with what became of each index of its source.
type Documented struct {
	Name   string `json:"name"`
	Report Report `json:"report"`
}

// Write returns an index file: the collections by name, their indexes by name, and as comments what was kept,
// changed or dropped, and why. heading stands at its head, a comment a line. The same indexes always give the
// same bytes.
func Write(heading []string, collections []Documented) []byte {
	var b strings.Builder
	for _, line := range heading {
		comment(&b, "", line)
	}
	b.WriteString("version: 1\n")
	b.WriteString("collections:")
	if len(collections) == 0 {
		b.WriteString(" {}")
	}
	b.WriteByte('\n')
	collections = slices.Clone(collections)
	slices.SortStableFunc(collections, func(x, y Documented) int { return cmp.Compare(x.Name, y.Name) })
	for _, c := range collections {
		writeCollection(&b, c)
	}
	return []byte(b.String())
}

func writeCollection(b *strings.Builder, c Documented) {
	if len(c.Report.LeftOut) > 0 {
		comment(b, "  ", "left out below: "+strings.Join(c.Report.LeftOut, ", ")+" (each server sets its own)")
	}
	b.WriteString("  " + quote(c.Name) + ":")
	if len(c.Report.Indexes()) == 0 {
		b.WriteString(" # none") // and not [], which whoever adds one would have to remove
	}
	b.WriteByte('\n')
	for _, e := range c.Report.Entries {
		writeEntry(b, e)
	}
}

func writeEntry(b *strings.Builder, e Entry) {
	const indent = "    "
	head := string(e.Verdict)
	if e.Index == nil {
		head += ": " + e.Name + " " + e.Key
	}
	comment(b, indent, head)
	for _, reason := range e.Reasons {
		comment(b, indent, "  "+reason)
	}
	for _, warning := range e.Warnings {
		comment(b, indent, "  warning: "+warning)
	}
	if e.Index == nil {
		return
	}
	b.WriteString(indent + "- name: " + quote(e.Index.Name()) + "\n")
	b.WriteString(indent + "  key: " + KeyText(e.Index.Key()) + "\n")
	for _, o := range e.Index.options() {
		b.WriteString(indent + "  " + quote(o.name) + ": " + Text(o.value) + "\n")
	}
}

// comment writes a comment, folded to lines that a screen shows whole.
func comment(b *strings.Builder, indent, text string) {
	const width = 110
	hang := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line := ""
	flush := func() {
		b.WriteString(strings.TrimRight(indent+"# "+hang+line, " ") + "\n")
		line = ""
	}
	for _, word := range strings.Fields(printable(text)) {
		if line != "" && len(indent)+len(hang)+len(line)+len(word) > width {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// printable replaces what would end a comment, or what no YAML reader takes.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if quoted := quote(string(r)); strings.HasPrefix(quoted, `"\u`) || strings.HasPrefix(quoted, `"\U`) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
