package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal of the process, if it has one.
type terminal struct{ file *os.File }

func openTerminal() terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return terminal{}
	}
	return terminal{file}
}

func (t terminal) is() bool { return t.file != nil }

// isForeground reports whether the keys of the terminal signal this process's group.
func (t terminal) isForeground() bool {
	if t.file == nil {
		return false
	}
	group, err := unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

func (t terminal) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}
