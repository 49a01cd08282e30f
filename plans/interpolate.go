package plans

import (
	"strings"
)

// template is a scalar as written: literal text and references to the environment.
type template []part

// part is a literal, or a reference when name is set.
type part struct {
	literal  string
	name     string
	operator string   // "", ":-" or ":?"
	fallback template // of :-
	message  string   // of :?
	offset   int      // in the scalar
}

// templateError is a mistake inside a ${...}.
type templateError struct {
	offset  int
	message string
	hint    string
}

// maxNesting bounds ${A:-${B:-${C}}}.
const maxNesting = 16

// parseTemplate splits a scalar at its references. offset is where s begins in the scalar.
func parseTemplate(s string, offset, depth int) (template, *templateError) {
	var parts template
	begin := 0 // of the literal text under way
	flush := func(end int) {
		if begin < end {
			parts = append(parts, part{literal: s[begin:end], offset: offset + begin})
		}
	}
	for i := 0; i < len(s); {
		dollar := strings.IndexByte(s[i:], '$')
		if dollar < 0 || i+dollar+1 == len(s) {
			break
		}
		i += dollar
		switch s[i+1] {
		case '$':
			flush(i) // so that places behind the doubled dollar stay right
			parts = append(parts, part{literal: "$", offset: offset + i})
			i += 2
			begin = i
		case '{':
			flush(i)
			end := closingBrace(s[i+2:])
			if end < 0 {
				return nil, &templateError{offset + i, "this ${ is never closed", "close it with }, or write $${ for a plain ${"}
			}
			one, err := parseReference(s[i+2:i+2+end], offset+i, depth)
			if err != nil {
				return nil, err
			}
			parts = append(parts, *one)
			i += 2 + end + 1
			begin = i
		default:
			i++
		}
	}
	flush(len(s))
	return parts, nil
}

// closingBrace returns where the } stands that closes a ${ before s, nested ones skipped; -1 when nowhere.
func closingBrace(s string) int {
	for i, depth := 0, 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "$$"):
			i++
		case strings.HasPrefix(s[i:], "${"):
			depth++
			i++
		case s[i] == '}' && depth == 0:
			return i
		case s[i] == '}':
			depth--
		}
	}
	return -1
}

// parseReference reads what stands between the braces. offset is that of the dollar.
func parseReference(s string, offset, depth int) (*part, *templateError) {
	end := 0
	for end < len(s) && isNameByte(s[end], end == 0) {
		end++
	}
	one := &part{name: s[:end], offset: offset}
	rest := s[end:]
	const forms = "the forms are ${NAME}, ${NAME:-default} and ${NAME:?message}"
	switch {
	case one.name == "":
		return nil, &templateError{offset, "a ${ must be followed by a name", forms + "; $${ is a plain ${"}
	case rest == "":
		return one, nil
	case strings.HasPrefix(rest, ":-"):
		if depth >= maxNesting {
			return nil, &templateError{offset, "too many ${...} inside of each other", ""}
		}
		fallback, err := parseTemplate(rest[2:], offset+2+end+2, depth+1)
		if err != nil {
			return nil, err
		}
		one.operator, one.fallback = ":-", fallback
		return one, nil
	case strings.HasPrefix(rest, ":?"):
		one.operator, one.message = ":?", strings.TrimSpace(rest[2:])
		return one, nil
	case rest[0] == '-' || rest[0] == '?':
		return nil, &templateError{offset, "${" + one.name + rest[:1] + "...} is not known", "did you mean ${" + one.name + ":" + rest[:1] + "...}?"}
	}
	return nil, &templateError{offset, "${" + one.name + " is followed by something that is not known", forms}
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}

// isName tells whether s can name an environment variable.
func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i], i == 0) {
			return false
		}
	}
	return s != ""
}

// segment ties a piece of an interpolated text to where it comes from.
type segment struct {
	out, raw int // offsets in the text and in the scalar
	literal  bool
}

// interpolated is a template with its references resolved.
type interpolated struct {
	text     strings.Builder
	segments []segment
	names    []string // of the environment that went into the text
	problems []templateError
}

// resolve appends the text of a template. What a name stands for is taken as it is: neither interpolated
// again nor read as YAML.
func (t template) resolve(names *scope, into *interpolated) {
	for _, p := range t {
		at := segment{out: into.text.Len(), raw: p.offset, literal: p.name == ""}
		if p.name == "" {
			into.segments = append(into.segments, at)
			into.text.WriteString(p.literal)
			continue
		}
		into.names = append(into.names, p.name)
		found, ok := names.lookup(p.name)
		switch {
		case p.operator == ":-" && found == "":
			p.fallback.resolve(names, into)
		case p.operator == ":?" && found == "":
			message := p.message
			if message == "" {
				message = "is not set or empty"
			}
			into.problems = append(into.problems, templateError{p.offset, p.name + ": " + message, names.howToSet(p.name)})
		case !ok:
			into.problems = append(into.problems, templateError{p.offset, p.name + " is not set", names.howToSet(p.name)})
		default:
			into.segments = append(into.segments, at)
			into.text.WriteString(found)
		}
	}
}

// rawOffset returns the offset in the scalar as written of an offset in the text it came to.
func rawOffset(segments []segment, out int) int {
	raw := out
	for _, s := range segments {
		if s.out > out {
			break
		}
		if raw = s.raw; s.literal {
			raw += out - s.out
		}
	}
	return raw
}
