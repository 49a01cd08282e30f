package cli

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vida/sandbox/cosmos"
)

// registerProfile makes a flag of every behaviour of a profile: max_page_bytes becomes --max-page-bytes. Their
// defaults are the profile's, so that only those given count.
func registerProfile(flags *pflag.FlagSet, into *cosmos.Profile) {
	eachBehaviour(into, func(name, help string, field any) {
		switch field := field.(type) {
		case *string:
			flags.StringVar(field, name, "", help)
		case *bool:
			flags.BoolVar(field, name, false, help)
		case *int:
			flags.IntVar(field, name, 0, help)
		case *int32:
			flags.Int32Var(field, name, 0, help)
		case *float64:
			flags.Float64Var(field, name, 0, help)
		case *[]string:
			flags.StringSliceVar(field, name, nil, help)
		case *cosmos.Duration:
			flags.DurationVar((*time.Duration)(field), name, 0, help)
		default:
			panic(fmt.Sprintf("profile: no flag for %s, a %T", name, field))
		}
	})
}

// overrideProfile takes what was given by flags over into a profile.
func overrideProfile(flags *pflag.FlagSet, profile *cosmos.Profile, given cosmos.Profile) {
	values := map[string]reflect.Value{}
	eachBehaviour(&given, func(name, _ string, field any) { values[name] = reflect.ValueOf(field).Elem() })
	eachBehaviour(profile, func(name, _ string, field any) {
		if flags.Changed(name) {
			reflect.ValueOf(field).Elem().Set(values[name])
		}
	})
}

// eachBehaviour visits the fields of a profile that describe themselves, by the names of their flags.
func eachBehaviour(profile *cosmos.Profile, visit func(name, help string, field any)) {
	value := reflect.ValueOf(profile).Elem()
	for n := range value.NumField() {
		tag := value.Type().Field(n).Tag
		if help := tag.Get("help"); help != "" {
			visit(strings.ReplaceAll(tag.Get("yaml"), "_", "-"), help, value.Field(n).Addr().Interface())
		}
	}
}
