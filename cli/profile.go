package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/pflag"
)

// profile says where a run is to write its profiles. It is for who works on vida, so help does not show it.
type profile struct {
	cpu    string
	memory string
}

func (p *profile) register(flags *pflag.FlagSet) {
	flags.StringVar(&p.cpu, "cpuprofile", "", "write a CPU profile to this `FILE`")
	flags.StringVar(&p.memory, "memprofile", "", "write a profile of allocations to this `FILE`")
	for _, name := range []string{"cpuprofile", "memprofile"} {
		// It fails only for a flag that does not exist, which a test would show.
		_ = flags.MarkHidden(name)
	}
}

// start begins to profile. stop must be called, and writes the files.
func (p *profile) start() (stop func() error, err error) {
	if p.cpu == "" && p.memory == "" {
		return func() error { return nil }, nil
	}
	var cpu *os.File
	if p.cpu != "" {
		if cpu, err = os.Create(p.cpu); err != nil {
			return nil, fmt.Errorf("--cpuprofile: %w", err)
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return nil, errors.Join(fmt.Errorf("--cpuprofile: %w", err), cpu.Close())
		}
	}
	return func() error {
		var errs []error
		if cpu != nil {
			pprof.StopCPUProfile()
			errs = append(errs, cpu.Close())
		}
		if p.memory != "" {
			errs = append(errs, p.writeMemory())
		}
		return errors.Join(errs...)
	}, nil
}

func (p *profile) writeMemory() error {
	file, err := os.Create(p.memory)
	if err != nil {
		return fmt.Errorf("--memprofile: %w", err)
	}
	runtime.GC() // what is in use is then up to date
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
