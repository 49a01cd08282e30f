package cli

import (
	"os/exec"
	"strings"
	"testing"
)

func TestAgain(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"bin/vida|run|plans/copy.yaml", "bin/vida run plans/copy.yaml"},
		{"vida|run|my plan.yaml|--state|it's", `vida run 'my plan.yaml' --state 'it'\''s'`},
		{"vida|run|p|--restart|copy|--only|copy", "vida run p --only copy"},
		{"vida|run|p|--restart=copy", "vida run p"},
		{"vida|run|p|--set|MIGRATION_WORKERS=4", "vida run p --set MIGRATION_WORKERS=4"},
		{"vida|run|p|--set|COSMOS_DB_CONNECTION_STRING=x", "vida run p --set COSMOS_DB_CONNECTION_STRING=..."},
		{"vida|run|p|--set=A=mongodb://u:p@h", "vida run p --set=A=..."},
		{"vida|run|p|--set|DB_PASSWORD=x", "vida run p --set DB_PASSWORD=..."},
		{"vida|run|p|--set|A=$x", "vida run p --set 'A=$x'"},
		{"vida|run|", "vida run ''"},
		{"", "vida"},
	} {
		a := &app{args: strings.Split(c.args, "|")}
		if c.args == "" {
			a.args = nil
		}
		if got := a.again(); got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
}

// What quote writes, a shell reads back.
func TestQuote(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	for _, word := range []string{"plain", "", "two words", "it's", `"$HOME"`, "a\nb", "*", "~", "é", "-x", "a;b&c|d", `\`, "#", "!"} {
		out, err := exec.Command(shell, "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q: the shell reads %q back, %v", word, out, err)
		}
	}
}

func TestCommands(t *testing.T) {
	a := &app{args: []string{"vida", "run", "p.yaml", "--state", "my dir"}}
	got := a.commands("p.yaml", a.again())
	if got.Rejects != "vida status p.yaml --rejects --state 'my dir'" {
		t.Errorf("rejects: %s", got.Rejects)
	}
	if got.RetryRejects != "vida run p.yaml --state 'my dir' --retry-rejects" {
		t.Errorf("retry: %s", got.RetryRejects)
	}
	a.args = append(a.args, "--retry-rejects")
	if again := a.again(); a.commands("p.yaml", again).RetryRejects != again {
		t.Error("--retry-rejects was added twice")
	}
}
