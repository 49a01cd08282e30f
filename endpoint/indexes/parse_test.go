package indexes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Each file under testdata/mistakes ends with the mistakes that are found in it, as comments.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			body, _, _ := strings.Cut(string(text), "#>")
			list, mistakes := Parse([]byte(body))
			if list != nil || len(mistakes) == 0 {
				t.Errorf("no mistakes")
			}
			var out strings.Builder
			for _, m := range mistakes {
				fmt.Fprintf(&out, "#> %s", m)
				if m.Hint != "" {
					fmt.Fprintf(&out, " (%s)", m.Hint)
				}
				out.WriteByte('\n')
			}
			golden(t, name, []byte(body+out.String()))
		})
	}
}

func TestWhatIsLeftOutIsFilledIn(t *testing.T) {
	list, mistakes := Parse([]byte("version: 1\ncollections:\n  none:\n  orders:\n    - key: {a: 1, b: -1, c: 2dsphere}\n    - &x\n      name: y\n      key: {$**: 1}\n  again: [*x]\n"))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if len(list) != 3 || list[0].Name != "none" || len(list[0].Indexes) != 0 || list[1].Indexes[0].String() != "a_1_b_-1_c_2dsphere {a: 1, b: -1, c: 2dsphere}" || list[2].Indexes[0].Name() != "y" {
		t.Errorf("%v", list)
	}
}

func TestAliasesThatMultiplyEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nx0: &x0 [1,1,1,1,1,1,1,1,1,1]\n")
	for n := 1; n < 12; n++ {
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", n, n, strings.Repeat(fmt.Sprintf("*x%d,", n-1), 10))
	}
	b.WriteString("collections: {c: [{key: {a: 1}, partialFilterExpression: {a: *x11}}]}\n")
	if _, mistakes := Parse([]byte(b.String())); !strings.Contains(fmt.Sprint(mistakes), "too large once its aliases are followed") {
		t.Error(mistakes)
	}
}

// FuzzParse asserts that no text makes the parser panic or hang, that each mistake has a place, and that what is
// read is written as what reads the same.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, "testdata/cosmos.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(Write(nil, []Documented{{Name: "orders", Report: Translate(everyOption(f), Source{})}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, mistakes := Parse(text)
		for _, m := range mistakes {
			if m.Line < 1 || m.Column < 1 || m.Message == "" {
				t.Fatalf("%+v", m)
			}
		}
		for _, collection := range list {
			for _, index := range collection.Indexes {
				if !valid(index.Definition()) {
					t.Fatal(index)
				}
				entry := Entry{Name: index.Name(), Verdict: Kept, Index: &index}
				again, mistakes := Parse(Write(nil, []Documented{{Name: collection.Name, Report: Report{Entries: []Entry{entry}}}}))
				if len(mistakes) > 0 || len(again) != 1 || len(again[0].Indexes) != 1 || !again[0].Indexes[0].Equal(index) {
					t.Fatalf("%v came back as %v %v", index.Definition(), again, mistakes)
				}
			}
		}
	})
}

// FuzzRoundTrip asserts that any value of BSON comes back from the file, and from the state, as the same bytes.
func FuzzRoundTrip(f *testing.F) {
	for _, raw := range everyOption(f) {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if !valid(document) || len(document) > 1<<16 {
			t.Skip()
		}
		roundTrip(t, valueOf(bson.Raw(document)))
	})
}

// FuzzTranslate asserts that whatever a server lists becomes an index file that can be read back.
func FuzzTranslate(f *testing.F) {
	for _, raw := range append(everyOption(f), cosmosListing(f)...) {
		f.Add([]byte(raw), true)
	}
	f.Fuzz(func(t *testing.T, listed []byte, cosmos bool) {
		if !valid(listed) {
			t.Skip()
		}
		report := Translate([]bson.Raw{listed}, Source{Cosmos: cosmos})
		if len(report.Entries) != 1 || report.Entries[0].Verdict != Kept && len(report.Entries[0].Reasons) == 0 {
			t.Fatalf("%+v", report)
		}
		list, mistakes := Parse(Write([]string{string(listed)}, []Documented{{Name: "c", Report: report}}))
		if len(mistakes) > 0 {
			return // a server may list what the file's checks refuse, but never is anything lost in silence
		}
		for n, index := range report.Indexes() {
			if !list[0].Indexes[n].Equal(index) {
				t.Fatalf("%v came back as %v", index.Definition(), list[0].Indexes[n].Definition())
			}
		}
	})
}
