package indexes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
)

// Verdict says what became of an index of the source.
type Verdict string

// The verdicts.
const (
	Kept    Verdict = "kept"
	Changed Verdict = "changed"
	Dropped Verdict = "dropped"
)

// Source is what the translation must know of where a listing comes from.
type Source struct {
	Cosmos    bool     // it is Cosmos DB by request units
	Collation bson.Raw // the collection's default; nil for none
}

// Report is what became of every index of a collection.
type Report struct {
	Entries []Entry  `json:"indexes"`            // by name, the one on _id first
	LeftOut []string `json:"left_out,omitempty"` // bookkeeping that some of them had
}

// Entry is what became of one index.
type Entry struct {
	Name     string   `json:"name"`
	Key      string   `json:"key"` // in words
	Verdict  Verdict  `json:"verdict"`
	Index    *Index   `json:"definition,omitempty"` // what is to be created; nil: nothing
	Reasons  []string `json:"reasons,omitempty"`    // what was changed or dropped, why, and what the application loses
	Warnings []string `json:"warnings,omitempty"`   // what will behave otherwise on the target
}

// Indexes are those to be created.
func (r Report) Indexes() []Index {
	var list []Index
	for _, e := range r.Entries {
		if e.Index != nil {
			list = append(list, *e.Index)
		}
	}
	return list
}

// Count is how many entries have a verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, e := range r.Entries {
		if e.Verdict == v {
			n++
		}
	}
	return n
}

// Translate rebuilds the definitions that a server lists into such as MongoDB takes.
func Translate(listing []bson.Raw, source Source) Report {
	var report Report
	left := map[string]bool{}
	for _, listed := range listing {
		d := draft{source: source, leftOut: left}
		report.Entries = append(report.Entries, d.translate(listed))
	}
	slices.SortStableFunc(report.Entries, func(a, b Entry) int {
		if first := a.Name == "_id_"; first != (b.Name == "_id_") {
			if first {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key))
	})
	for name := range left {
		report.LeftOut = append(report.LeftOut, name)
	}
	slices.Sort(report.LeftOut)
	return report
}

// draft is an index under translation.
type draft struct {
	source  Source
	leftOut map[string]bool
	entry   Entry
	key     bson.Raw
	options []field
}

func (d *draft) translate(listed bson.Raw) Entry {
	d.entry.Verdict = Kept
	d.entry.Name, _ = listed.Lookup("name").StringValueOK()
	d.key, _ = listed.Lookup("key").DocumentOK()
	d.entry.Key = KeyText(d.key)
	switch {
	case len(fieldsOf(d.key)) == 0:
		return d.dropped("the source lists it without a key")
	case isID(d.key):
		return d.onID(listed)
	case d.cosmosDefault():
		return d.dropped("Cosmos DB makes it by itself for its own use; the application loses nothing")
	case d.timestamps(listed):
		return d.entry
	}
	switch {
	case d.entry.Name == "":
		d.entry.Name = defaultName(d.key)
		d.change("it has no name in the source and is called %s", d.entry.Name)
	case !utf8.ValidString(d.entry.Name):
		d.entry.Name = strings.ToValidUTF8(d.entry.Name, "?")
		d.change("its name is no text in UTF-8; it is called %s", d.entry.Name)
	}
	for _, f := range fieldsOf(listed) {
		d.option(f)
	}
	d.words()
	d.expiry()
	d.collation()
	d.warn()
	index := newIndex(d.entry.Name, d.key, d.options)
	d.entry.Index = &index
	return d.entry
}

func (d *draft) change(format string, args ...any) {
	d.entry.Verdict = Changed
	d.entry.Reasons = append(d.entry.Reasons, fmt.Sprintf(format, args...))
}

func (d *draft) dropped(reason string) Entry {
	d.entry.Verdict = Dropped
	d.entry.Reasons = append(d.entry.Reasons, reason)
	return d.entry
}

func (d *draft) onID(listed bson.Raw) Entry {
	d.entry.Reasons = []string{"every collection has it by itself, so it is never created"}
	if truth(listed.Lookup("clustered")) {
		d.entry.Warnings = append(d.entry.Warnings, "the collection is clustered, which is an option of the collection and not of an index: the copy step creates it so where the target can")
	}
	for _, f := range fieldsOf(listed) {
		d.bookkeeping(f.name)
	}
	return d.entry
}

func (d *draft) cosmosDefault() bool {
	const mark = "DocumentDBDefaultIndex"
	return strings.HasPrefix(d.entry.Name, mark) || fieldsOf(d.key)[0].name == mark
}

// timestamps cares for indexes on _ts, the time of the last change, which only Cosmos DB has and which no client sees.
func (d *draft) timestamps(listed bson.Raw) bool {
	fields := fieldsOf(d.key)
	if len(fields) != 1 || fields[0].name != "_ts" {
		return false
	}
	seconds, expires := number(listed.Lookup("expireAfterSeconds"))
	switch {
	case expires && seconds < 0:
		d.dropped("it lets documents that have a field ttl expire so many seconds after their last change (_ts), which only Cosmos DB does. " +
			"The application loses this: no document expires on the target. To keep it, store the time of expiry as a date in a field, and create an index on that with expireAfterSeconds: 0")
	case expires && d.source.Cosmos:
		d.dropped(fmt.Sprintf("it deletes documents %s after their last change (_ts), which only Cosmos DB knows. "+
			"The application loses this: no document expires on the target. To keep it, store the time of each change as a date in a field, and create an index on that with expireAfterSeconds: %s",
			period(seconds), Text(listed.Lookup("expireAfterSeconds"))))
	case d.source.Cosmos:
		d.dropped("_ts is Cosmos DB's own time of the last change, which is not part of the documents that clients read: the target would index nothing")
	default:
		return false // a field like any other
	}
	return true
}

// option takes over what is on the whitelist.
func (d *draft) option(f field) {
	switch _, known := lookUp(f.name); {
	case f.name == "key" || f.name == "name" || d.bookkeeping(f.name):
	case f.name == "storageEngine":
		d.storageEngine(f)
	case known:
		d.options = append(d.options, f)
	default:
		d.change("the option %s: %s is left out: createIndexes of MongoDB does not have it", f.name, Text(f.value))
	}
}

func (d *draft) bookkeeping(name string) bool {
	if slices.Contains(bookkeeping, name) {
		d.leftOut[name] = true
		return true
	}
	return false
}

// storageEngine keeps the options of engines that MongoDB has.
func (d *draft) storageEngine(f field) {
	document, ok := f.value.DocumentOK()
	if !ok {
		d.change("the option storageEngine: %s is left out: it is not a document", Text(f.value))
		return
	}
	var kept bson.D
	for _, engine := range fieldsOf(document) {
		switch {
		case slices.Contains(storageEngines, engine.name):
			kept = append(kept, bson.E{Key: engine.name, Value: engine.value})
		default:
			d.leftOut["storageEngine."+engine.name] = true
		}
	}
	if len(kept) > 0 {
		d.options = append(d.options, field{f.name, valueOf(kept)})
	}
}

// words writes the key of a text index as people do, and as every server takes it: {title: text} for the listed
// {_fts: text, _ftsx: 1} with title among the weights.
func (d *draft) words() {
	var weights []field
	for _, o := range d.options {
		if document, ok := o.value.DocumentOK(); ok && o.name == "weights" {
			weights = fieldsOf(document)
		}
	}
	if len(weights) == 0 {
		return
	}
	var key []field
	for _, f := range fieldsOf(d.key) {
		switch f.name {
		case "_fts":
			for _, w := range weights {
				key = append(key, field{w.name, valueOf("text")})
			}
		case "_ftsx":
		default:
			key = append(key, f)
		}
	}
	d.key = documentOf(key)
}

// mostSeconds is the longest time to live that MongoDB takes: 68 years.
const mostSeconds = math.MaxInt32

// expiry removes a time to live that a target refuses.
func (d *draft) expiry() {
	n := slices.IndexFunc(d.options, func(f field) bool { return f.name == "expireAfterSeconds" })
	if n < 0 {
		return
	}
	value := d.options[n].value
	seconds, isNumber := number(value)
	switch {
	case isNumber && seconds < 0 && d.source.Cosmos:
		d.change("expireAfterSeconds: %s is left out, for MongoDB refuses it: on Cosmos DB it lets documents expire that have a field ttl. "+
			"The application loses this: no document expires on the target", Text(value))
	case isNumber && seconds < 0:
		d.change("expireAfterSeconds: %s is left out, for MongoDB refuses it", Text(value))
	case !isNumber || math.IsNaN(seconds):
		d.change("expireAfterSeconds: %s is left out: it is no time", Text(value))
	case len(fieldsOf(d.key)) > 1:
		d.change("expireAfterSeconds: %s is left out, for MongoDB expires documents by an index on one field only", Text(value))
	case fieldsOf(d.key)[0].name == "_id" || isWildcard(d.key):
		d.change("expireAfterSeconds: %s is left out, for MongoDB does not expire documents by this index", Text(value))
	case seconds > mostSeconds:
		d.change("expireAfterSeconds: %s is %d, the most that MongoDB takes", Text(value), mostSeconds)
		d.options[n].value = valueOf(int32(mostSeconds))
		return
	default:
		return
	}
	d.options = slices.Delete(d.options, n, n+1)
}

// collation says what an index without a collation has, where the collection would give it another.
func (d *draft) collation() {
	has := slices.ContainsFunc(d.options, func(f field) bool { return f.name == "collation" })
	locale, _ := d.source.Collation.Lookup("locale").StringValueOK()
	if has || len(d.source.Collation) == 0 || locale == "simple" {
		return
	}
	d.options = append(d.options, field{"collation", valueOf(bson.D{{Key: "locale", Value: "simple"}})})
	d.change("collation: {locale: simple} is written out: the collection's default collation (%s) would be taken otherwise", locale)
}

// warn tells what will behave otherwise on the target.
func (d *draft) warn() {
	fields := fieldsOf(d.key)
	option := func(name string) bson.RawValue {
		for _, f := range d.options {
			if f.name == name {
				return f.value
			}
		}
		return bson.RawValue{}
	}
	say := func(text string) { d.entry.Warnings = append(d.entry.Warnings, text) }
	if truth(option("unique")) && d.source.Cosmos {
		say("unique: where the collection has a shard key, Cosmos DB enforces this for each of its values only; the target enforces it over the whole collection")
		if len(fields) > 1 || slices.ContainsFunc(fields, func(f field) bool { return strings.Contains(f.name, ".") }) {
			say("unique: Cosmos DB does not look into arrays on a compound or nested key; the target does, so that documents which the source took may be refused")
		}
	}
	if option("expireAfterSeconds").Type != 0 {
		if d.source.Cosmos {
			say("expireAfterSeconds: MongoDB expires dates only; a document in which " + fields[0].name + " holds a number (as milliseconds since 1970 on Cosmos DB) never expires on the target")
		}
		say("expireAfterSeconds: soon after it is created, the target deletes what has expired by then; counts differ from the source's by these")
	}
	if isWildcard(d.key) && d.source.Cosmos {
		say("indexes every field, which is the usual choice on Cosmos DB and seldom a good one on MongoDB: each write pays for each field. Better an index for each query")
	}
}

// period is a number of seconds in words.
func period(seconds float64) string {
	for _, unit := range []struct {
		seconds float64
		name    string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		if n := seconds / unit.seconds; n >= 1 && n == math.Trunc(n) {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%.0f %ss", n, unit.name)
		}
	}
	return fmt.Sprintf("%g seconds", seconds)
}

// defaultName is what servers call an index that is given no name.
func defaultName(key bson.Raw) string {
	var parts []string
	for _, f := range fieldsOf(key) {
		text, ok := f.value.StringValueOK()
		if !ok {
			n, _ := number(f.value)
			text = fmt.Sprintf("%v", n)
		}
		parts = append(parts, f.name, text)
	}
	return strings.ToValidUTF8(strings.Join(parts, "_"), "?")
}
