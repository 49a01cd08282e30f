package cli_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openPseudoTerminal returns the two ends of a new one: the keyboard's and the program's.
func openPseudoTerminal(t *testing.T) (keyboard, program *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals: ", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetUint32(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return keyboard, program
}

func TestExecCtrlCReachesTheCommandOnce(t *testing.T) {
	keyboard, program := openPseudoTerminal(t)
	command := sandbox(t, "exec", "--", "sh", "-c",
		`n=0; trap 'n=$((n+1))' INT; echo up; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; exit $((60+n))`)
	command.Stdin, command.Stdout, command.Stderr = program, program, program
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	screen := bufio.NewReader(keyboard)
	for {
		line, err := screen.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "up") {
			break
		}
	}
	if _, err := keyboard.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	_ = command.Wait()
	if got := command.ProcessState.ExitCode(); got != 61 {
		t.Errorf("exit code %d; want 61, the command's own after one SIGINT", got)
	}
	command.checkLeft(t)
}
