package e2e

import (
	"context"
	"strconv"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Documents so large that a page of 4 MB holds two of them, and others of which it holds forty, from an account that
// knows no hello, throttles, times out and loses cursors between its pages: each arrives once and byte for byte.
func TestPagesOfFourMegabytes(t *testing.T) {
	const page = 4 << 20
	for name, test := range map[string]struct{ documents, bytes int64 }{
		"documents of 2 MB":   {40, 2_000_000},
		"documents of 100 KB": {800, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			d := nullDouble(t, "--profile", "ru-3.6", "--documents", strconv.FormatInt(test.documents, 10), "--document-bytes", strconv.FormatInt(test.bytes, 10),
				"--request-units", "20000", "--physical-partitions", "2", "--source-faults", j.file("none.yaml", "rules: []\n"))
			j.onNull(d)
			for _, size := range pageSizes(t, d, 3) {
				if size <= page-test.bytes-1000 || size > page {
					t.Fatalf("a page of %d bytes is not one of 4 MB", size)
				}
			}
			d.rules("source", `rules:
  - {command: getMore, skip: 1, times: 2, action: error, error: {code: 16500}}
  - {command: getMore, times: 2, action: error, applied: true, error: {code: 50}}
  - {command: getMore, times: 2, action: error, error: {code: 43}}
`)
			d.change(`{"reset": true}`)
			plan := j.plan("pages", `
			- name: copy
			  type: copy
			  from: source
			  to: target
			  collections: [serviceorders]
			  tuning: {workers: 2, write_concern: 1}
			`)
			copied := j.run(0, j.file("pages.yaml", withoutBudget(t, plan))).step(t, "copy")
			copied.balanced(t)
			want(t, "inserted", copied.Inserted, test.documents)
			n := nullPair{t: t}
			if sink := n.stats(d.targetURI); sink.Checked != test.documents || sink.Missing+sink.Wrong+sink.Doubled != 0 {
				t.Errorf("what arrived is not what was sent: %+v", sink)
			}
			want(t, "faults", int64(d.fired("source")), 6)
			s := d.cosmos()
			t.Logf("%d finds and %d getMores, %d throttled by the account; %d retries", s.Commands["find"], s.Commands["getMore"], s.Throttled.Commands, copied.Retries)
		})
	}
}

// pageSizes reads some pages as the driver gets them, as large as they come.
func pageSizes(t testing.TB, d *double, pages int) (sizes []int64) {
	t.Helper()
	ctx := context.Background()
	client := connect(t, d.sourceURI)
	cursor, err := client.Database(d.variables["COSMOS_DB_NAME"]).RunCommandCursor(ctx, bson.D{{Key: "find", Value: d.variables["COSMOS_DB_COLLECTION"]}, {Key: "batchSize", Value: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cursor.Close(ctx) }()
	for range pages {
		size := int64(0)
		for more := true; more; more = cursor.RemainingBatchLength() > 0 {
			if !cursor.Next(ctx) {
				t.Fatal(cursor.Err())
			}
			size += int64(len(cursor.Current))
		}
		sizes = append(sizes, size)
	}
	return sizes
}
