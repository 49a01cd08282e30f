package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process used from its start to its exit.
type usage struct {
	wall   time.Duration
	cpu    time.Duration // user and system
	memory int64         // the most that was resident, in bytes
	busy   time.Duration // CPU of the whole machine meanwhile, servers included; 0 where the system does not tell
	output []byte        // its stdout
}

// measure runs a command to its end.
func measure(command *exec.Cmd) (usage, error) {
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	before, started := machineBusy(), time.Now()
	err := command.Run()
	used := usage{wall: time.Since(started), busy: machineBusy() - before, output: stdout.Bytes()}
	if err != nil {
		return used, fmt.Errorf("%s: %w\n%s%s", strings.Join(command.Args, " "), err, stdout.String(), stderr.String())
	}
	used.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	resources, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return used, errors.New("the system does not tell a process's memory")
	}
	used.memory = resources.Maxrss << 10
	return used, nil
}

// machineBusy is the CPU time that everything on this machine has used since it started.
func machineBusy() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq …, in hundredths of a second
	var ticks int64
	for n, field := range fields {
		if n == 0 || n == 4 || n == 5 || n > 7 {
			continue
		}
		value, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		ticks += value
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// median is the middle of some figures, the better one where there are two.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[(len(sorted)-1)/2]
}

// of takes one figure of each usage.
func of(list []usage, figure func(usage) float64) []float64 {
	var figures []float64
	for _, u := range list {
		figures = append(figures, figure(u))
	}
	return figures
}

func wall(u usage) float64   { return u.wall.Seconds() }
func cpu(u usage) float64    { return u.cpu.Seconds() }
func busy(u usage) float64   { return u.busy.Seconds() }
func memory(u usage) float64 { return float64(u.memory) / (1 << 20) }
