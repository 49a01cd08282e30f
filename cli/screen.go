package cli

import (
	"os"

	"golang.org/x/term"

	"vida/ui"
)

// screen is what is known of a stream: whether a person looks at it, and how large it is.
type screen struct {
	terminal bool
	size     func() (columns, rows int)
}

func screenOf(stream any) screen {
	file, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return screen{size: func() (int, int) { return 0, 0 }}
	}
	return screen{terminal: true, size: func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}}
}

// Ways to show progress.
const (
	progressAuto  = "auto"
	progressTTY   = "tty"
	progressPlain = "plain"
	progressNone  = "none"
)

// printer returns what shows a run: progress and log lines on stderr, and with --output json the events on
// stdout.
func (a *app) printer(progress, output, level string) ui.Printer {
	dumb := a.getenv("TERM") == "dumb"
	stderr := a.screen(a.stderr)
	if progress == progressAuto {
		switch {
		case output == outputJSON && (!stderr.terminal || a.screen(a.stdout).terminal):
			progress = progressNone // a program listens, or the bars and the lines would share one screen
		case stderr.terminal && !dumb:
			progress = progressTTY
		default:
			progress = progressPlain
		}
	}
	var shown ui.Printer
	switch progress {
	case progressTTY:
		shown = ui.NewTerminal(a.stderr, stderr.size, a.getenv("NO_COLOR") == "" && !dumb)
	case progressPlain:
		shown = ui.NewPlain(a.stderr)
	default:
		shown = ui.NewLog(a.stderr)
	}
	if output == outputJSON {
		return ui.Tee(ui.AtLevel(level, ui.NewJSON(a.stdout)), ui.AtLevel(level, shown))
	}
	return ui.Tee(ui.AtLevel(level, shown))
}
