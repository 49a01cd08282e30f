package plans

import (
	"strings"
	"testing"
)

// Texts that an unwary parser reads in quadratic time, or grows without bound. Each ends at once; a test that
// hangs says which does not.
func TestHostileTexts(t *testing.T) {
	head := "version: 1\nname: p\nconnections: {a: {uri: 'mongodb://h/d'}}\nsteps: [{name: c, type: check-connections}]\n"
	size := maxFileBytes - 2*len(head)
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, source := range map[string]string{
		"references in one scalar":  head + "description: \"" + fill("${A} ") + "\"\n",
		"references in block":       head + "description: |\n  " + fill("${A}\n  ") + "\n",
		"dollars":                   head + "description: \"" + fill("$a") + "\"\n",
		"doubled dollars":           head + "description: \"" + fill("$$") + "${A}\"\n",
		"blanks before a reference": head + "description: \"" + fill(" ") + "x${A}\"\n",
		"open references":           head + "description: \"" + fill("${A:-") + "\"\n",
		"mistakes in one line":      head + "env_files: [" + fill("{}, ") + "]\n",
		"mistakes in many lines":    head + "env_files:\n" + fill("- {}\n"),
		"unknown fields":            head + fill("? x\n"),
		"tabs":                      head + fill("\t\n"),
		"open brackets":             head + "env_files: " + fill("["),
		"open quote":                head + "description: \"" + fill("x\n"),
		"comments":                  head + fill("# x\n"),
		"anchors":                   head + "env_files: [" + fill("&a x, ") + "]\n",
		"aliases":                   head + "env_files: [&a [x, y, z], " + fill("*a, ") + "]\n",
		"colons":                    head + fill("a: "),
	} {
		t.Run(name, func(t *testing.T) {
			_, found := Parse("p.yaml", []byte(source), Options{})
			if len(found) > maxDiagnostics+1 {
				t.Errorf("%d diagnostics", len(found))
			}
			if text := found.String(); len(text) > 1<<20 {
				t.Errorf("%d bytes of diagnostics", len(text))
			}
		})
	}
}
