package plans

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/expr-lang/expr/builtin"

	"vida/plans/expression"
)

// What the page on expressions shows can be written, and what can be called stands there.
func TestThePageOnExpressions(t *testing.T) {
	content, err := os.ReadFile("../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	_, example, _ := strings.Cut(page, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	source := "version: 1\nname: p\nconnections: {source: {uri: 'mongodb://h/d'}, target: {uri: 'mongodb://i/d'}}\nsteps:\n" + example
	plan, found := Parse("p.yaml", []byte(source), Options{Environ: []string{"SALT=s"}})
	if len(found) > 0 || plan.Step("copy") == nil || plan.Step("copy").Spec.(*CopySpec).Transform == nil {
		t.Errorf("the example: %s", found)
	}
	for _, name := range expression.Names() {
		if !regexp.MustCompile("`[^`]*\\b" + name + "\\b").MatchString(page) {
			t.Errorf("the page does not have %s", name)
		}
	}
	for _, f := range builtin.Builtins {
		if f.Name != "now" && !strings.Contains(page, f.Name) {
			t.Errorf("the page does not say what became of expr's own %s", f.Name)
		}
	}
}
