package plans

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// parseEnvFile reads lines of KEY=value, `export KEY=value` and # comments. A value may stand in single
// quotes, where everything is literal, or in double quotes, where \n, \t, \\, \" and \$ are known.
// Elsewhere a # behind a blank begins a comment. Nothing is interpolated. The last of two equal keys counts.
//
// A diagnostic never shows a value: where a line is not understood, any of it may be a secret.
func parseEnvFile(file string, source []byte) (map[string]string, Diagnostics) {
	values := map[string]string{}
	var found Diagnostics
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	number := 0
	for raw := range bytes.SplitSeq(source, []byte("\n")) {
		number++
		line := strings.TrimSuffix(string(raw), "\r")
		content := strings.TrimSpace(line)
		if content == "" || content[0] == '#' {
			continue
		}
		begin := strings.Index(line, content)
		report := func(offset int, snippet, message, hint string) {
			column := utf8.RuneCountInString(line[:begin+offset]) + 1
			found = append(found, Diagnostic{
				File: file, Line: number, Column: column, Message: message, Hint: hint, Snippet: snippet, caret: column,
			})
		}
		if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
			report(0, "", "this line is not UTF-8 text", "")
			continue
		}
		export := 0
		if after, ok := strings.CutPrefix(content, "export"); ok && strings.TrimLeft(after, " \t") != after {
			export = len(content) - len(strings.TrimLeft(after, " \t"))
		}
		key, value, ok := strings.Cut(content[export:], "=")
		if key = strings.TrimRight(key, " \t"); !ok {
			report(0, "", "this line is not KEY=value", "a comment begins with #; a value stays on one line")
			continue
		}
		if !isName(key) {
			report(export, "", "what stands before = is not a name", "a name has letters, digits and _, and does not begin with a digit")
			continue
		}
		parsed, problem := parseEnvValue(value)
		if problem != "" {
			equals := export + strings.IndexByte(content[export:], '=')
			report(equals+1, line[:begin+equals+1]+"***", problem, "")
			continue
		}
		values[key] = parsed
	}
	return values, found
}

// parseEnvValue reads what follows the = of a line, or says what is wrong with it.
func parseEnvValue(s string) (value, problem string) {
	trimmed := strings.TrimSpace(s)
	if trimmed == "" {
		return "", ""
	}
	quote := trimmed[0]
	if quote != '\'' && quote != '"' {
		for i := range len(s) {
			if s[i] == '#' && i > 0 && (s[i-1] == ' ' || s[i-1] == '\t') {
				return strings.TrimSpace(s[:i]), ""
			}
		}
		return trimmed, ""
	}
	var b strings.Builder
	for i := 1; i < len(trimmed); i++ {
		c := trimmed[i]
		switch {
		case c == quote:
			if rest := strings.TrimSpace(trimmed[i+1:]); rest != "" && rest[0] != '#' {
				return "", "something follows the closing quote of the value"
			}
			return b.String(), ""
		case c == '\\' && quote == '"' && i+1 < len(trimmed):
			i++
			b.WriteString(unescape(trimmed[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", "the quote that opens this value is never closed"
}

// unescape returns what a backslash and c stand for in double quotes.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '\\', '"', '$', '`':
		return string([]byte{c})
	}
	return string([]byte{'\\', c})
}
