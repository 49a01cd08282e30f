package engine

import (
	"os/exec"
	"syscall"
)

// detach gives the command a process group of its own, which the signals of a terminal do not reach.
func detach(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
