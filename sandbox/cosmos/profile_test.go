package cosmos

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func TestParseProfile(t *testing.T) {
	p, err := ParseProfile([]byte("base: ru-3.6\nname: mine\nhello: true\nidle_timeout: 30s\nthrottled_writes: mixed\nunsupported_stages: [$x]\nlose_cursors: 0.1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || p.WireVersion != 6 || !p.Hello || p.IdleTimeout != Duration(30*time.Second) || p.MaxWriteBatch != 1000 || !slices.Equal(p.UnsupportedStages, []string{"$x"}) || p.LoseCursors != 0.1 {
		t.Errorf("%+v", p)
	}
	if p, err := ParseProfile(nil); err != nil || p.Name != "ru-4.2" {
		t.Errorf("nothing: %+v, %v", p, err)
	}
	for _, test := range []struct{ source, says string }{
		{"base: ru-9", "ru-3.6, ru-4.2, ru-7.0, vcore"},
		{"oops: 1", "oops"},
		{"retry_after: perhaps", `"perhaps" is not one of always, never, sometimes`},
		{"throughput: x\nthrottled_writes: y", "throttled_writes"},
		{"drop_connections: 2", "2 is not between"},
		{"max_write_batch: 0", "less than 1"},
		{"idle_timeout: -1s", "negative"},
		{"idle_timeout: soon", "soon"},
		{"- 1", "profile"},
	} {
		if _, err := ParseProfile([]byte(test.source)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v, want %q", test.source, err, test.says)
		}
	}
}

// TestExampleProfile: the example shows every field, and the values of its base.
func TestExampleProfile(t *testing.T) {
	source, err := os.ReadFile("profile.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseProfile(source)
	if err != nil {
		t.Fatal(err)
	}
	if want := profile(t, "ru-4.2", nil); !reflect.DeepEqual(got, want) {
		t.Errorf("the example is\n%+v, its base\n%+v", got, want)
	}
	var shown map[string]any
	if err := yaml.Unmarshal(source, &shown); err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[Profile]().Fields() {
		if _, ok := shown[field.Tag.Get("yaml")]; !ok {
			t.Errorf("the example does not show %s", field.Tag.Get("yaml"))
		}
	}
}
