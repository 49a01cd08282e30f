package plans

import (
	"strings"
	"testing"
)

func TestSnippetMasksSecrets(t *testing.T) {
	tests := []struct {
		name, source string
		at           Position
		line         string
		caret        int
	}{
		{"plain", "a: b", Position{1, 4}, "a: b", 4},
		{"carriage return", "a: b\r\nc: d", Position{1, 4}, "a: b", 4},
		{"password in any field", "x: mongodb://u:hush@h/d y", Position{1, 25}, "x: mongodb://***@h/d y", 22},
		{"at sign in the password", "x: mongodb+srv://u:hush@hush@h/d", Position{1, 4}, "x: mongodb+srv://***@h/d", 4},
		{"two of them", "[mongodb://u:hush@h, mongodb://u:hush@i]", Position{1, 22}, "[mongodb://***@h, mongodb://***@i]", 19},
		{"uri", "    uri: mongodb://u:hush", Position{1, 10}, "    uri: ***", 10},
		{"uri in quotes", `"uri": "hush"`, Position{1, 8}, `"uri": ***`, 8},
		{"uri by reference", "uri: ${NAME} # hush-hush", Position{1, 6}, "uri: ${NAME} # hush-hush", 6},
		{"uri with references", "uri: mongodb://me:${PASSWORD}@h/d", Position{1, 6}, "uri: mongodb://me:${PASSWORD}@h/d", 6},
		{"uri with a default", "uri: ${NAME:-mongodb://u:hush@h}", Position{1, 6}, "uri: ***", 6},
		{"uri that goes on", "a:\n  uri:\n    mongodb://u:\n\n    hush@h\n  b: c", Position{5, 5}, "    ***", 5},
		{"after one that goes on", "a:\n  uri:\n    hush\n  b: c", Position{4, 3}, "  b: c", 3},
		{"flow", "a: {uri: 'mongodb://u:hush@h', b: c}", Position{1, 35}, "a: ***", 4},
		{"no such line", "a: b", Position{9, 2}, "", 2},
		{"beyond the line", "a: b", Position{1, 90}, "a: b", 5},
	}
	for _, test := range tests {
		line, caret := newText("p", []byte(test.source)).snippet(test.at)
		if line != test.line || caret != test.caret {
			t.Errorf("%s: %q, %d; want %q, %d", test.name, line, caret, test.line, test.caret)
		}
	}
}

func TestSnippetOfALongLine(t *testing.T) {
	line, caret := newText("p", []byte("a: "+strings.Repeat("ö", 100_000))).snippet(Position{1, 50_000})
	if len([]rune(line)) != maxSnippet+1 || caret != maxSnippet+1 {
		t.Errorf("%d characters, caret at %d", len([]rune(line)), caret)
	}
}
