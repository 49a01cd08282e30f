package ui

import (
	"strings"
)

// span is text in one tone; a line is a list of them, so that its width is known before colours are added.
type span struct {
	text string
	tone tone
}

type spans []span

// width is the number of terminal cells the line takes.
func (l spans) width() int {
	n := 0
	for _, s := range l {
		n += textWidth(s.text)
	}
	return n
}

// cut shortens the line to at most width cells.
func (l spans) cut(width int) spans {
	if l.width() <= width {
		return l
	}
	var short spans
	left := width - 1 // the last cell is for the ellipsis
	for _, s := range l {
		for i, r := range s.text {
			if runeWidth(r) > left {
				if width < 1 {
					return nil
				}
				return append(short, span{s.text[:i] + "…", s.tone})
			}
			left -= runeWidth(r)
		}
		short = append(short, s)
	}
	return short
}

// render writes the line, with colours where the terminal takes them.
func (l spans) render(colors bool) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(paint(s.text, s.tone, colors))
	}
	return b.String()
}

func paint(text string, t tone, colors bool) string {
	code := ""
	switch t {
	case toneGood:
		code = "32"
	case toneDim:
		code = "2"
	case toneWarn:
		code = "33"
	case toneBad:
		code = "31"
	}
	if !colors || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func textWidth(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is the cells a rune takes, too many rather than too few: a line that is too short does no harm.
func runeWidth(r rune) int {
	if r >= 0x1100 && r <= 0x115f || r >= 0x2e80 {
		return 2
	}
	return 1
}
