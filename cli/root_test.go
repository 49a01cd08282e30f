package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args   string
		stderr string
	}{
		{"rnu x.yaml", "vida: unknown command \"rnu\", did you mean run? (see vida --help)\n"},
		{"stat", "vida: unknown command \"stat\", did you mean status? (see vida --help)\n"},
		{"migrate", "vida: unknown command \"migrate\" (see vida --help)\n"},
		{"plan.yaml", "vida: unknown command \"plan.yaml\"; to run a plan: vida run plan.yaml (see vida --help)\n"},
		{"help rnu", "vida help: unknown command \"rnu\", did you mean run? (see vida help --help)\n"},
		{"completion tcsh", "vida completion: unknown command \"tcsh\" (see vida completion --help)\n"},
		{"run", "vida run: it takes one PLAN file (see vida run --help)\n"},
		{"run plan.yaml unset.yaml", "vida run: it takes one PLAN file, and \"unset.yaml\" is one argument too many (see vida run --help)\n"},
		{"run plan.yaml --dry-rn", "vida run: unknown flag --dry-rn, did you mean --dry-run? (see vida run --help)\n"},
		{"run plan.yaml --resume", "vida run: there is no --resume: the same command goes on from where it stopped (see vida run --help)\n"},
		{"run plan.yaml -x", "vida run: unknown shorthand flag: 'x' in -x (see vida run --help)\n"},
		{"run plan.yaml -o yaml", "vida run: --output takes text, json, not \"yaml\" (see vida run --help)\n"},
		{"run plan.yaml --progress bars", "--progress takes auto, tty, plain, none, not \"bars\" (see vida run --help)\n"},
		{"run plan.yaml --log-level loud", "--log-level takes debug, info, warn, error, not \"loud\" (see vida run --help)\n"},
		{"run plan.yaml --only copy --from verify", "vida run: --only and --from exclude one another (see vida run --help)\n"},
		{"run missing.yaml", "vida run: there is no plan file missing.yaml (see vida run --help)\n"},
		{"run plam.yaml", "vida run: there is no plan file plam.yaml, did you mean plan.yaml? (see vida run --help)\n"},
		{"run plan", "vida run: there is no plan file plan, did you mean plan.yaml? (see vida run --help)\n"},
		{"run .", "vida run: . is a directory, not a plan file (see vida run --help)\n"},
		{"validate", "vida validate: it takes at least one PLAN file (see vida validate --help)\n"},
		{"validate missing.yaml", "vida validate: there is no plan file missing.yaml (see vida validate --help)\n"},
		{"status a b", "one argument too many (see vida status --help)\n"},
		{"status --rejects", "vida status: --rejects needs a PLAN (see vida status --help)\n"},
		{"reset", "vida reset: it takes a PLAN file, and steps of it (see vida reset --help)\n"},
		{"version 2", "vida version: it takes no argument, and \"2\" is one argument too many (see vida version --help)\n"},
		{"schema --outptu x", "vida schema: unknown flag --outptu (see vida schema --help)\n"},
	} {
		t.Run(c.args, func(t *testing.T) {
			s := newSession(t, strings.Fields(c.args)...)
			s.expect(t, 2, "", c.stderr)
			if n := strings.Count(s.stderr.String(), "\n"); n != 1 {
				t.Errorf("%d lines, want 1: %s", n, s.stderr)
			}
		})
	}
}

func TestBadAssignmentIsNotEchoed(t *testing.T) {
	for _, secret := range []string{"hunter2", "=hunter2", "a b=hunter2", "1a=hunter2"} {
		for _, args := range [][]string{{"run", "plan.yaml", "--set", secret}, {"run", "plan.yaml", "--set=" + secret}} {
			s := newSession(t, args...)
			s.expect(t, 2, "", "NAME=value")
			if strings.Contains(s.stderr.String(), "hunter2") {
				t.Errorf("%q: the value is in the error: %s", args, s.stderr)
			}
		}
	}
}

func TestNoCommand(t *testing.T) {
	newSession(t).expect(t, 2, "", "Usage:\n  vida [command]")
	newSession(t, "completion").expect(t, 2, "", "Usage:\n  vida completion [command]")
}

func TestHelp(t *testing.T) {
	for _, command := range []string{"run", "validate", "status", "tune", "history", "reset", "schema", "version"} {
		s := newSession(t, command, "--help")
		s.expect(t, 0, "Examples:\n  vida "+command, "")
		if !strings.Contains(s.stdout.String(), "--state") {
			t.Errorf("the help of %s leaves out the common flags", command)
		}
	}
	newSession(t, "help", "run").expect(t, 0, "Exit codes:", "")
	newSession(t, "help").expect(t, 0, "Available Commands:", "")
	newSession(t, "--help").expect(t, 0, "Examples:", "")
}

func TestVersionAndCompletion(t *testing.T) {
	newSession(t, "version").expect(t, 0, "vida ", "")
	newSession(t, "completion", "bash").expect(t, 0, "bash completion", "")
	newSession(t, "schema").expect(t, 0, "{", "")
}

func TestCompletions(t *testing.T) {
	for args, want := range map[string]string{
		"__complete run plan.yaml --only=":     "copy\nverify\n",
		"__complete run plan.yaml --output=":   "text\njson\n",
		"__complete run plan.yaml --progress=": "auto\ntty\nplain\nnone\n",
		"__complete reset plan.yaml ":          "copy\nverify\n",
		"__complete run ":                      "yaml\nyml\n",
		"__complete run missing.yaml --from=":  ":4\n",
	} {
		s := newSession(t, strings.Split(args, " ")...)
		s.main()
		if !strings.HasPrefix(s.stdout.String(), want) {
			t.Errorf("%s: %q, want it to begin with %q", args, s.stdout, want)
		}
	}
}

func TestStateDirectory(t *testing.T) {
	for _, c := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{nil, nil, "no plan has a state in .vida\n"},
		{[]string{"VIDA_STATE=there"}, nil, "no plan has a state in there\n"},
		{[]string{"VIDA_STATE="}, nil, "no plan has a state in .vida\n"},
		{[]string{"VIDA_STATE=there"}, []string{"--state", "here"}, "no plan has a state in here\n"},
	} {
		s := newSession(t, append([]string{"status"}, c.args...)...)
		s.environ = c.environ
		s.expect(t, 0, c.want, "")
		if entries, err := os.ReadDir(s.directory); err != nil || len(entries) != 2 {
			t.Errorf("status left something behind: %v %v", entries, err)
		}
	}
}

func TestMainInProcess(t *testing.T) {
	var out, errors bytes.Buffer
	if code := Main([]string{"vida", "version"}, strings.NewReader(""), &out, &errors, nil, nil); code != 0 {
		t.Errorf("exit code %d, %s", code, errors.String())
	}
	if code := Main(nil, strings.NewReader(""), &out, &errors, nil, nil); code != 2 {
		t.Errorf("without arguments exit code %d", code)
	}
}
