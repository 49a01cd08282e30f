package ui

import (
	"strconv"
	"strings"
	"testing"
)

// emulator is as much of a terminal as the printer uses. Rows above the window stay in rows, as scrollback.
type emulator struct {
	t             *testing.T
	width, height int
	rows          [][]rune
	row, column   int
	wraps         int // how often text ran over the right edge
	writes        int
}

func newEmulator(t *testing.T, width, height int) *emulator {
	return &emulator{t: t, width: width, height: height, rows: [][]rune{nil}}
}

func (e *emulator) size() (int, int) { return e.width, e.height }

// top is the first row that the cursor can reach.
func (e *emulator) top() int { return max(0, len(e.rows)-e.height) }

func (e *emulator) Write(p []byte) (int, error) {
	e.writes++
	text := []rune(string(p))
	for i := 0; i < len(text); i++ {
		switch r := text[i]; r {
		case '\r':
			e.column = 0
		case '\n':
			e.down()
		case '\x1b':
			end := i + 2
			for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == ';') {
				end++
			}
			if text[i+1] != '[' || end >= len(text) {
				e.t.Fatalf("a broken escape sequence in %q", string(text[i:min(len(text), i+10)]))
			}
			e.control(text[end], string(text[i+2:end]))
			i = end
		default:
			if r < ' ' || r == 0x7f {
				e.t.Fatalf("a control character %q", r)
			}
			if e.column >= e.width {
				e.wraps++
				e.down()
			}
			for len(e.rows[e.row]) <= e.column {
				e.rows[e.row] = append(e.rows[e.row], ' ')
			}
			e.rows[e.row][e.column] = r
			e.column++
		}
	}
	return len(p), nil
}

func (e *emulator) down() {
	e.column = 0
	e.row++
	if e.row == len(e.rows) {
		e.rows = append(e.rows, nil)
	}
}

func (e *emulator) control(final rune, parameter string) {
	switch final {
	case 'A':
		n, err := strconv.Atoi(parameter)
		if err != nil || e.row-n < e.top() {
			e.t.Fatalf("cursor up %s from row %d, and the window begins at %d", parameter, e.row, e.top())
		}
		e.row -= n
	case 'K':
		e.clearRight()
	case 'J':
		e.clearRight()
		for i := e.row + 1; i < len(e.rows); i++ {
			e.rows[i] = nil
		}
	case 'm':
	default:
		e.t.Fatalf("an escape sequence that ends in %q", final)
	}
}

func (e *emulator) clearRight() {
	if len(e.rows[e.row]) > e.column {
		e.rows[e.row] = e.rows[e.row][:e.column]
	}
}

// narrow makes the terminal narrower, as one that wraps its lines anew.
func (e *emulator) narrow(width int) {
	var rows [][]rune
	for i, row := range e.rows {
		if i == e.row {
			e.row = len(rows)
		}
		for len(row) > width {
			rows = append(rows, row[:width])
			row = row[width:]
		}
		rows = append(rows, row)
	}
	e.rows, e.width = rows, width
}

// text is everything on the terminal and above it.
func (e *emulator) text() string {
	var b strings.Builder
	for _, row := range e.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
