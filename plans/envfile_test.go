package plans

import (
	"maps"
	"strings"
	"testing"
)

func TestParseEnvFile(t *testing.T) {
	source := "\ufeff# comment\r\n" +
		"\n" +
		"PLAIN=a b  # comment\r\n" +
		"HASH=a#b\n" +
		"EMPTY=\n" +
		"COMMENTED= # nothing\n" +
		"  export EXPORTED = spaced out \n" +
		"export\tTABBED=x\n" +
		"SINGLE='a \"b\" $C \\n # d' # comment\n" +
		`DOUBLE="a 'b' \"c\" \\ \$D \n \t \q ä \ä"` + "\n" +
		"URI=mongodb://u:p@h/?a=b&c=d\n" +
		"DOLLAR=${PLAIN}\n" +
		"TWICE=1\nTWICE=2\n" +
		"LAST=end"
	values, found := parseEnvFile(".env", []byte(source))
	if len(found) > 0 {
		t.Error(found)
	}
	want := map[string]string{
		"PLAIN": "a b", "HASH": "a#b", "EMPTY": "", "COMMENTED": "", "EXPORTED": "spaced out", "TABBED": "x", "SINGLE": `a "b" $C \n # d`,
		"DOUBLE": "a 'b' \"c\" \\ $D \n \t \\q ä \\ä", "URI": "mongodb://u:p@h/?a=b&c=d", "DOLLAR": "${PLAIN}", "TWICE": "2", "LAST": "end",
	}
	if !maps.Equal(values, want) {
		t.Errorf("got  %q\nwant %q", values, want)
	}
}

func TestEnvFileMistakesShowNoValue(t *testing.T) {
	for _, line := range []string{
		"hush", "=hush", "hush hush=1", "A-B=hush", `A="hush`, "A='hush", `A="a" hush`, "\xffhush=1", "A=hush\x00", "export hush", "mongodb://u:hush@h/?x=y",
	} {
		values, found := parseEnvFile(".env", []byte("OK=1\n  "+line+"\n"))
		if len(found) != 1 || found[0].Line != 2 || found[0].Column < 3 || len(values) != 1 {
			t.Errorf("%q: %v, %v", line, found, values)
		}
		if strings.Contains(found.String(), "hush") {
			t.Errorf("%q comes out:\n%s", line, found)
		}
	}
}
