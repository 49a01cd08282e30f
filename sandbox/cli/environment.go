package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// variable is one name and value of a command's environment.
type variable struct{ name, value string }

// namespaces are the names that the plans read from the environment, set or by their default.
type namespaces struct{ sourceDatabase, sourceCollection, targetDatabase, targetCollection string }

func lookupNamespaces(lookup func(string) (string, bool)) namespaces {
	or := func(name, otherwise string) string {
		if value, ok := lookup(name); ok && value != "" {
			return value
		}
		return otherwise
	}
	return namespaces{
		sourceDatabase:   or("COSMOS_DB_NAME", "volvo-service-orders"),
		sourceCollection: or("COSMOS_DB_COLLECTION", "serviceorders"),
		targetDatabase:   or("MONGODB_ATLAS_DB_NAME", "volvo-service-orders"),
		targetCollection: or("MONGODB_ATLAS_COLLECTION", "serviceorders"),
	}
}

// environment lists what a command is told of the servers: the names that the plans read, and those
// that the tests read.
func environment(sourceURI, targetURI string, names namespaces) []variable {
	return []variable{
		{"COSMOS_DB_CONNECTION_STRING", sourceURI},
		{"COSMOS_DB_NAME", names.sourceDatabase},
		{"COSMOS_DB_COLLECTION", names.sourceCollection},
		{"MONGODB_ATLAS_CONNECTION_STRING", targetURI},
		{"MONGODB_ATLAS_DB_NAME", names.targetDatabase},
		{"MONGODB_ATLAS_COLLECTION", names.targetCollection},
		{"VIDA_TEST_SOURCE_URI", sourceURI},
		{"VIDA_TEST_TARGET_URI", targetURI},
	}
}

// withVariables returns base with the variables in place of what it has of the same names.
func withVariables(base []string, variables []variable) []string {
	merged := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(variables, func(v variable) bool { return v.name == name })
	})
	for _, v := range variables {
		merged = append(merged, v.name+"="+v.value)
	}
	return merged
}

// shellQuote makes value one word of a POSIX shell.
func shellQuote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }

// envFileMark is the first line of each file written, by which a file of the user's is told apart.
const envFileMark = "# Written by vida-sandbox serve; removed when it ends."

// writeEnvFile writes the variables as NAME=value lines, whole or not at all. It replaces no file but
// one that it wrote before.
func writeEnvFile(path string, variables []variable) error {
	if old, err := os.ReadFile(path); err == nil && !strings.HasPrefix(string(old), envFileMark) {
		return fmt.Errorf("%s is there already and is not a file of vida-sandbox; name another for --env-file", path)
	}
	var text strings.Builder
	_, _ = fmt.Fprintln(&text, envFileMark)
	for _, v := range variables {
		_, _ = fmt.Fprintf(&text, "%s=%s\n", v.name, v.value)
	}
	partial := path + ".partial"
	if err := os.WriteFile(partial, []byte(text.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
