package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Lock is held by the one run of a plan. It is the kernel's, so that it is free when its holder has died, however
// that came about.
type Lock struct{ file *os.File }

// LockedError says who holds the lock.
type LockedError struct {
	Process int // 0 where it cannot be told
}

func (e *LockedError) Error() string {
	if e.Process == 0 {
		return "another run of this plan is under way"
	}
	return fmt.Sprintf("another run of this plan is under way: process %d", e.Process)
}

func lockPath(dir, name string) string { return filepath.Join(dir, name+".lock") }

// TakeLock takes a plan's lock or returns a [LockedError].
func TakeLock(dir, name string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w%s", err, hintFolder)
	}
	file, err := os.OpenFile(lockPath(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w%s", err, hintFolder)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer func() { _ = file.Close() }()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &LockedError{Process: holder(file)}
		}
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	if err := errors.Join(file.Truncate(0), writeAt(file, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), file.Close())
	}
	return &Lock{file: file}, nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// Release frees the lock.
func (l *Lock) Release() error { return l.file.Close() }

// LockHolder returns the process that holds a plan's lock, without taking it. held is false when none does.
func LockHolder(dir, name string) (process int, held bool, err error) {
	file, err := os.Open(lockPath(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("lock: %w", err)
	}
	defer func() { _ = file.Close() }()
	// Shared, and given back at once: a run that starts in this very moment tries again.
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0, false, nil
	}
	return holder(file), true, nil
}

func holder(file *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
	if err != nil {
		return 0
	}
	process, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return process
}
