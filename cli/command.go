package cli

import (
	"strings"

	"vida/ui"
)

// hidden stands for a value that is not shown.
const hidden = "..."

// again returns the command line that goes on with this run, quoted for a shell: the same one without
// --restart, which would drop what has been done since. What --set was given for a secret is not repeated.
func (a *app) again() string {
	words := []string{quote(a.program())}
	for i := 1; i < len(a.args); i++ {
		word := a.args[i]
		switch {
		case word == "--restart":
			i++
		case strings.HasPrefix(word, "--restart="):
		case word == "--set" && i+1 < len(a.args):
			i++
			words = append(words, word, quote(withoutSecret(a.args[i])))
		case strings.HasPrefix(word, "--set="):
			words = append(words, quote("--set="+withoutSecret(strings.TrimPrefix(word, "--set="))))
		default:
			words = append(words, quote(word))
		}
	}
	return strings.Join(words, " ")
}

// commands returns what a summary advises to type. It is for the plan in file.
func (a *app) commands(file, again string) ui.Commands {
	state := ""
	for i := 1; i < len(a.args); i++ { // only where it was typed: what the environment says still holds
		switch {
		case a.args[i] == "--state" && i+1 < len(a.args):
			state = " --state " + quote(a.args[i+1])
		case strings.HasPrefix(a.args[i], "--state="):
			state = " " + quote(a.args[i])
		}
	}
	rejects := quote(a.program()) + " status " + quote(file) + " --rejects" + state
	retry := ""
	if strings.Contains(again, "--retry-rejects") {
		retry = again
	} else if again != "" {
		retry = again + " --retry-rejects"
	}
	return ui.Commands{Again: again, Rejects: rejects, RetryRejects: retry}
}

// runCommand returns the command line that runs a plan, for a command that is not `run` itself.
func (a *app) runCommand(file string) string {
	return quote(a.program()) + " run " + quote(file)
}

func (a *app) program() string {
	if len(a.args) == 0 {
		return "vida"
	}
	return a.args[0]
}

// withoutSecret hides the value of NAME=value where either looks like a secret.
func withoutSecret(assignment string) string {
	name, value, _ := strings.Cut(assignment, "=")
	if strings.Contains(value, "://") || strings.Contains(value, "@") {
		return name + "=" + hidden
	}
	upper := strings.ToUpper(name)
	for _, word := range []string{"PASS", "SECRET", "TOKEN", "KEY", "CONNECTION_STRING", "CREDENTIAL", "URI", "URL"} {
		if strings.Contains(upper, word) {
			return name + "=" + hidden
		}
	}
	return assignment
}

// quote writes a word so that a shell reads it back as it is.
func quote(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_-./:=@%+,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
