package plans

import (
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// queryOf returns the query of a plan as canonical extended JSON.
func queryOf(t *testing.T, yamlText string) (string, Diagnostics) {
	t.Helper()
	source := "version: 1\nname: p\nconnections: {a: {uri: 'mongodb://h/d'}, b: {uri: 'mongodb://i/d'}}\nsteps:\n" +
		"- name: v\n  type: verify-counts\n  from: a\n  to: b\n  query: " + yamlText + "\n"
	plan, found := Parse("p.yaml", []byte(source), Options{Environ: []string{"N=5", "S=text", "TRICK='\"}, {$where: 1", "EMPTY="}})
	if len(found) > 0 {
		return "", found
	}
	query := plan.Steps[0].Spec.(*VerifyCountsSpec).Query
	if query == nil {
		return "", nil
	}
	text, err := bson.MarshalExtJSON(bson.Raw(query), true, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), nil
}

func TestQuery(t *testing.T) {
	tests := map[string]string{
		`{}`:                                 `{}`,
		`{b: 1, a: 2, c: 3}`:                 `{"b":{"$numberInt":"1"},"a":{"$numberInt":"2"},"c":{"$numberInt":"3"}}`,
		`{a: 2147483647}`:                    `{"a":{"$numberInt":"2147483647"}}`,
		`{a: 2147483648}`:                    `{"a":{"$numberLong":"2147483648"}}`,
		`{a: -9223372036854775808}`:          `{"a":{"$numberLong":"-9223372036854775808"}}`,
		`{a: 0x10, b: 1_000, c: 0o7}`:        `{"a":{"$numberInt":"16"},"b":{"$numberInt":"1000"},"c":{"$numberInt":"7"}}`,
		`{a: 1.0}`:                           `{"a":{"$numberDouble":"1.0"}}`,
		`{a: 1e300, b: -.inf, c: .nan}`:      `{"a":{"$numberDouble":"1E+300"},"b":{"$numberDouble":"-Infinity"},"c":{"$numberDouble":"NaN"}}`,
		`{a: "1", b: true, c: null, d: yes}`: `{"a":"1","b":true,"c":null,"d":"yes"}`,
		`{a: "q\"\\ü\n<"}`:                   `{"a":"q\"\\ü\n<"}`,
		`{a: {$gte: {$date: "2024-01-01T00:00:00Z"}}}`:       `{"a":{"$gte":{"$date":{"$numberLong":"1704067200000"}}}}`,
		`{_id: {$in: [{$oid: "5f5f5f5f5f5f5f5f5f5f5f5f"}]}}`: `{"_id":{"$in":[{"$oid":"5f5f5f5f5f5f5f5f5f5f5f5f"}]}}`,
		`{a: {$numberDecimal: "0.1"}}`:                       `{"a":{"$numberDecimal":"0.1"}}`,
		`{a: {$regex: "^x", $options: i}}`:                   `{"a":{"$regex":"^x","$options":"i"}}`,
		`'{"b": 1, "a": {"$gt": 2}}'`:                        `{"b":{"$numberInt":"1"},"a":{"$gt":{"$numberInt":"2"}}}`,
		`{$or: [{a: 1}, {b: {$not: {$size: 2}}}]}`:           `{"$or":[{"a":{"$numberInt":"1"}},{"b":{"$not":{"$size":{"$numberInt":"2"}}}}]}`,
		`{$expr: {$someAggregation: ["$a", 1]}}`:             `{"$expr":{"$someAggregation":["$a",{"$numberInt":"1"}]}}`,
		`{a: {$vectorish: 1}}`:                               `{"a":{"$vectorish":{"$numberInt":"1"}}}`,
		`${EMPTY}`:                                           ``,
		"\n    a: ${N}\n    b: \"${N}\"\n    c: ${S}":        `{"a":{"$numberInt":"5"},"b":"5","c":"text"}`,
		`{a: "${TRICK}"}`:                                    `{"a":"'\"}, {$where: 1"}`,
	}
	for text, want := range tests {
		if got, found := queryOf(t, text); got != want || len(found) > 0 {
			t.Errorf("%s:\n got %s\nwant %s\n%s", text, got, want, found)
		}
	}
}

func TestQueryMistakes(t *testing.T) {
	for text, column := range map[string]int{
		`[1]`:                             10,
		`5`:                               10,
		`'{"a": 1} {"b": 2}'`:             10,
		`'{"a": {"$oid": "x"}}'`:          10,
		`{a: {$oid: x}}`:                  14,
		`{a: [1, {b: {$date: {}}}]}`:      22,
		`{a: {$oid: x, more: 1}}`:         14,
		`{a: 2024-01-01}`:                 14,
		`{a: 99999999999999999999}`:       14,
		`{a: {$gte: 1, $gte: 2}}`:         24,
		`{a: {$exist: true}}`:             15,
		`{a: [{b: {$elemMach: {c: 1}}}]}`: 20,
	} {
		_, found := queryOf(t, text)
		if len(found) != 1 || found[0].Line != 9 || found[0].Column != column {
			t.Errorf("%s: want one mistake at 9:%d\n%s", text, column, found)
		}
	}
}
