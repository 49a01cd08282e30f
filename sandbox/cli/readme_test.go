package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"vida/sandbox/cosmos"
	"vida/sandbox/wire/faults"
)

// The README names every flag, and what it shows can be used.
func TestReadmeIsTrue(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(t.Context(), binary, "serve", "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	behaviours, err := os.ReadFile("../cosmos/profile.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-h, )?--([a-z0-9-]+)`).FindAllStringSubmatch(string(help), -1) {
		flag := match[1]
		field := strings.ReplaceAll(flag, "-", "_") + ":"
		aside := flag == "help" || strings.HasSuffix(flag, "-faults-address")
		if !aside && !strings.Contains(string(text), "--"+flag) && !strings.Contains(string(behaviours), "\n"+field) {
			t.Errorf("neither the README nor the example of a profile tells of --%s", flag)
		}
	}
	for _, match := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		var mapping map[string]any
		if err := yaml.Unmarshal([]byte(match[1]), &mapping); err != nil {
			t.Fatal(err)
		}
		if _, isProfile := mapping["base"]; isProfile {
			_, err = cosmos.ParseProfile([]byte(match[1]))
		} else {
			_, err = faults.Parse([]byte(match[1]))
		}
		if err != nil {
			t.Errorf("%v:\n%s", err, match[1])
		}
	}
}
