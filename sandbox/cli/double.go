package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"vida/sandbox/cosmos"
	"vida/sandbox/engine"
)

// Whether the double stands before the source.
const (
	cosmosAuto = "auto" // before the engines that hold documents; elsewhere when one of its flags asks for it
	cosmosOn   = "on"
	cosmosOff  = "off"
)

const (
	defaultProfile = "ru-4.2"
	noProfile      = "none"
)

// doubleFlags say what Cosmos DB account the source is.
type doubleFlags struct {
	mode      string
	profile   string
	options   cosmos.Options
	overrides cosmos.Profile

	set *pflag.FlagSet
}

func (f *doubleFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.mode, "cosmos", cosmosAuto, "whether the source behaves as a Cosmos DB account: auto (engines embedded and documentdb do, others when a flag of this group asks for it), on or off")
	flags.StringVar(&f.profile, "profile", defaultProfile, fmt.Sprintf("what account it is: %s, a YAML file, or %s for no account", strings.Join(cosmos.ProfileNames(), ", "), noProfile))
	flags.Float64Var(&f.options.RequestUnits, "request-units", 10_000, "throughput in request units a second")
	flags.IntVar(&f.options.Partitions, "physical-partitions", 0, "physical partitions to split it over (default: one for each 10,000 RU/s)")
	flags.BoolVar(&f.options.Autoscale, "autoscale", false, "the throughput is an autoscale maximum, a tenth of which is provisioned")
	flags.Float64Var(&f.options.Background, "background", 0, "request units a second that other traffic uses")
	flags.StringVar(&f.options.User, "username", "", "the user that clients must be, by SCRAM-SHA-256 (default: anybody may)")
	flags.StringVar(&f.options.Key, "password", "", "that user's password")
	flags.Uint64Var(&f.options.Seed, "seed", 1, "of everything that is left to chance")
	flags.StringVar(&f.options.StatsListen, "cosmos-address", "", "host:port of the HTTP endpoint that tells what was charged, throttled and refused (default: a free port of 127.0.0.1)")
	registerProfile(flags, &f.overrides)
	f.set = flags
}

// wanted tells whether there is to be a double.
func (f *doubleFlags) wanted(options engine.Options) (bool, error) {
	var given []string
	f.set.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && flag.Name != "cosmos" {
			given = append(given, "--"+flag.Name)
		}
	})
	if f.profile == noProfile {
		if others := slices.DeleteFunc(given, func(name string) bool { return name == "--profile" }); len(others) > 0 {
			return false, usagef("%s: there is no account with --profile %s", strings.Join(others, ", "), noProfile)
		}
		if f.mode == cosmosOn {
			return false, usagef("--cosmos=%s and --profile %s exclude each other", cosmosOn, noProfile)
		}
		return false, nil
	}
	switch f.mode {
	case cosmosOn:
		return true, nil
	case cosmosOff:
		if len(given) > 0 {
			return false, usagef("%s: there is no account with --cosmos=%s", strings.Join(given, ", "), cosmosOff)
		}
		return false, nil
	case cosmosAuto:
		return len(given) > 0 || options.Source.URI == "" && options.Kind != engine.Null, nil
	}
	return false, usagef("--cosmos %s: %s, %s or %s", f.mode, cosmosAuto, cosmosOn, cosmosOff)
}

// resolve reads the profile and checks what goes together.
func (f *doubleFlags) resolve(options engine.Options) (cosmos.Options, error) {
	resolved := f.options
	profile, err := readProfile(f.profile)
	if err != nil {
		return resolved, usagef("--profile: %w", err)
	}
	overrideProfile(f.set, &profile, f.overrides)
	if err := profile.Validate(); err != nil {
		return resolved, &usageError{err}
	}
	if (resolved.User == "") != (resolved.Key == "") {
		return resolved, usagef("--username and --password belong together")
	}
	if server, _ := splitAddress(options.Source.URI); resolved.User != "" && server.user != "" {
		return resolved, usagef("--username: the server of --source-uri asks for a user of its own")
	}
	if !(resolved.RequestUnits > 0) {
		return resolved, usagef("--request-units %g: must be above 0", resolved.RequestUnits)
	}
	if resolved.Background < 0 || resolved.Partitions < 0 {
		return resolved, usagef("--background and --physical-partitions cannot be negative")
	}
	resolved.Profile, resolved.PortalURI = profile, true
	return resolved, nil
}

func readProfile(name string) (cosmos.Profile, error) {
	profile, err := cosmos.BuiltInProfile(name)
	if err == nil {
		return profile, nil
	}
	source, fileError := os.ReadFile(name)
	if errors.Is(fileError, os.ErrNotExist) {
		return profile, fmt.Errorf("%w, nor a file", err)
	}
	if fileError != nil {
		return profile, fileError
	}
	if profile, err = cosmos.ParseProfile(source); err != nil {
		return profile, fmt.Errorf("%s: %w", name, err)
	}
	if profile.Name == "" {
		profile.Name = name
	}
	return profile, nil
}

// startDouble puts a double before the server of upstream, and returns the connection string to hand out: what
// the account's portal would show, and what the server behind asks for.
func startDouble(ctx context.Context, upstream string, options cosmos.Options) (*cosmos.Double, string, error) {
	server, err := splitAddress(upstream)
	if err != nil {
		return nil, "", err
	}
	options.Upstream = server.hosts
	double, err := cosmos.Start(ctx, options)
	if err != nil {
		return nil, "", err
	}
	shown, err := splitAddress(double.URI())
	if err != nil {
		return nil, "", errors.Join(err, double.Close())
	}
	server = server.behind(shown.hosts)
	if shown.user != "" {
		server.user = shown.user
	}
	server.options = append(shown.options, server.options...)
	return double, server.String(), nil
}

// account is what a double has done, in a line; empty where it was not used.
func account(s cosmos.Statistics) string {
	if s.Charged.Total == 0 && len(s.Refused) == 0 {
		return ""
	}
	refused := int64(0)
	for _, codes := range s.Refused {
		for _, count := range codes {
			refused += count
		}
	}
	if s.Charged.Total == 0 {
		return fmt.Sprintf("cosmos %s: nothing was charged, %d commands were refused", s.Profile, refused)
	}
	partitions := "1 physical partition"
	if len(s.Partitions) > 1 {
		partitions = fmt.Sprintf("%d physical partitions", len(s.Partitions))
	}
	return fmt.Sprintf("cosmos %s: %.0f RU charged of %.0f RU/s over %s, %d commands throttled (%d writes), %d refused",
		s.Profile, s.Charged.Total, s.Budget.RequestUnits, partitions, s.Throttled.Commands, s.Throttled.Writes, refused)
}
