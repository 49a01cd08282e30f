package endpoint

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scrubMark stands where a secret stood.
const scrubMark = "***"

// Scrub returns text without the secrets of a connection string: its password, as it stands there and
// percent-decoded, and what its options hold of passwords and tokens. It asks nothing of the string, which
// may be one that cannot be parsed: then every reading of it is taken out, the pieces of a password included.
func Scrub(text, uri string) string {
	for _, secret := range secretsOf(uri) {
		text = replaceSecret(text, secret)
	}
	return text
}

// secretsOf returns each form in which a message could quote a secret, the longest first.
func secretsOf(uri string) []string {
	var found []string
	add := func(secret string) {
		if secret == "" {
			return
		}
		forms := []string{secret}
		for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
			if decoded, err := decode(secret); err == nil {
				forms = append(forms, decoded)
			}
		}
		for _, form := range forms {
			found = append(found, form, url.PathEscape(form), url.QueryEscape(form), strings.Trim(strconv.Quote(form), `"`))
		}
	}
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		rest = uri
	}
	for _, password := range passwordsOf(rest) {
		add(password)
	}
	if _, query, ok := strings.Cut(rest, "?"); ok {
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			switch name = strings.ToLower(name); {
			case strings.Contains(name, "password"), strings.Contains(name, "token"):
				add(value)
			case name == "authmechanismproperties":
				for property := range strings.SplitSeq(value, ",") {
					_, secret, _ := strings.Cut(property, ":")
					add(secret)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(found)
}

// passwordsOf returns every reading of the password in what follows a connection string's ://. The first @
// ends it, unless the password holds an unescaped one; then parts of it pass for a host, a port or a path,
// and messages quote these.
func passwordsOf(rest string) []string {
	first := strings.IndexByte(rest, '@')
	if first < 0 {
		return nil
	}
	_, password, ok := strings.Cut(rest[:first], ":")
	head, _, _ := strings.Cut(rest, "?")
	last := max(first, strings.LastIndexByte(head, '@'))
	if slash := strings.IndexByte(rest[first:], '/'); last == first && (slash < 0 || !strings.Contains(rest[first+slash:], "?")) {
		last = strings.LastIndexByte(rest, '@') // the ? is part of the password
	}
	var list []string
	if ok {
		list = append(list, password)
	}
	_, widest, ok := strings.Cut(rest[:last], ":")
	if !ok || widest == password && !strings.ContainsAny(password, "/:?#") {
		return list
	}
	list = append(list, widest)
	for _, separators := range []string{"/@:?#&", "/@:?#&="} {
		list = append(list, strings.FieldsFunc(widest, func(r rune) bool { return strings.ContainsRune(separators, r) })...)
	}
	return list
}

// replaceSecret takes a secret out of text. A short one is taken for a secret only where it stands alone: a
// message without any "a" helps nobody.
func replaceSecret(text, secret string) string {
	if len(secret) >= 4 {
		return strings.ReplaceAll(text, secret, scrubMark)
	}
	var out strings.Builder
	for {
		at := strings.Index(text, secret)
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(secret):])
		out.WriteString(text[:at])
		if wordRune(before) || wordRune(after) {
			out.WriteString(secret)
		} else {
			out.WriteString(scrubMark)
		}
		text = text[at+len(secret):]
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
