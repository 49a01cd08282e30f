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
	var used usage
	before, started := machineBusy(), time.Now()
	err := command.Start()
	if err == nil {
		peak := watchMemory(command.Process.Pid)
		err = command.Wait()
		used.memory = peak()
	}
	used.wall, used.busy, used.output = time.Since(started), machineBusy()-before, stdout.Bytes()
	if err != nil {
		return used, fmt.Errorf("%s: %w\n%s%s", strings.Join(command.Args, " "), err, stdout.String(), stderr.String())
	}
	used.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	if used.memory == 0 {
		return used, errors.New("the system does not tell a process's memory")
	}
	return used, nil
}

// watchMemory looks again and again at the most that a process has had resident, until peak is called, which returns
// it. What the kernel tells of it at the end will not do: that counts the memory of who started the process too.
func watchMemory(pid int) (peak func() int64) {
	const interval = 10 * time.Millisecond
	stop, told := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		most := int64(0)
		for {
			most = max(most, residentPeak(pid))
			select {
			case <-ticker.C:
			case <-stop:
				told <- most
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-told
	}
}

// residentPeak is the most that a process has had resident so far, in bytes; 0 where that is not told.
func residentPeak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
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
