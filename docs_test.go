package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vida/plans"
)

// pages are the project's Markdown files, as git knows them.
func pages(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	return strings.Fields(string(out))
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

func TestLinksInThePagesLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, target)
			}
		}
	}
}

var planBlock = regexp.MustCompile("(?s)```yaml\n(# yaml-language-server[^\n]*\n.*?)```")

// What an operator copies out of a page must be a plan.
func TestPlansInThePagesAreValid(t *testing.T) {
	found := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range planBlock.FindAllStringSubmatch(string(text), -1) {
			found++
			_, mistakes := plans.Parse(page, []byte(match[1]), plans.Options{
				Environ: []string{
					"COSMOS_DB_CONNECTION_STRING=mongodb://source.invalid/", "MONGODB_ATLAS_CONNECTION_STRING=mongodb://target.invalid/",
				},
				ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
			})
			for _, mistake := range mistakes {
				t.Errorf("a plan in %s is not valid: %v", page, mistake)
			}
		}
	}
	if found == 0 {
		t.Error("no page shows a plan")
	}
}
