package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// A connection string as the portal shows it works for every version of an account, asked for its key or not,
// whether hello is known or isMaster alone; the account is recognised by what it answers.
func TestACosmosAccountIsRecognisedByWhatItAnswers(t *testing.T) {
	const key = "s3cr3t/+w0rd=="
	for _, test := range []struct {
		profile string
		flags   []string
		say     []string
	}{
		{"ru-3.6", []string{"--autoscale", "--request-units", "4000"}, []string{"Cosmos DB 3.6.0 at ", "wire version 6,", "orders has up to 4000 RU/s, by autoscale from 400"}},
		{"ru-4.2", []string{"--throughput", "none"}, []string{"Cosmos DB 4.2.0", "the account does not tell what throughput is provisioned"}},
		{"ru-7.0", []string{"--throughput", "database"}, []string{"Cosmos DB 7.0.0", "share 10000 RU/s provisioned", "request_units is 20000, and 10000 RU/s are provisioned"}},
	} {
		t.Run(test.profile, func(t *testing.T) {
			j := newJob(t)
			insert(t, j.source.Collection("orders"), []any{bson.D{{Key: "fill", Value: 1}}})
			before := [2]string{everything(t, j.source), everything(t, j.target)}
			d := startDouble(t, append(test.flags, "--profile", test.profile, "--username", "acct", "--password", key)...)
			j.through(d)
			if !strings.Contains(d.sourceURI, "retrywrites=false") || !strings.Contains(d.sourceURI, "appName=") || !strings.Contains(d.sourceURI, "maxIdleTimeMS=120000") {
				t.Fatalf("%s is not what the portal shows", d.sourceURI)
			}
			// As a plan would have it that lets vida retry, which the account refuses.
			j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+strings.Replace(d.sourceURI, "retrywrites=false", "retrywrites=true", 1))
			plan := j.file("cosmos.yaml", `version: 1
name: cosmos
connections:
  source: {uri: "${COSMOS_DB_CONNECTION_STRING}", database: "${COSMOS_DB_NAME}", request_units: 20000}
  target: {uri: "${MONGODB_ATLAS_CONNECTION_STRING}", database: "${MONGODB_ATLAS_DB_NAME}"}
steps:
  - {name: check, type: check-connections}
  - {name: generate, type: generate, to: source, collection: orders, documents: 10, append: true}
  - name: copy
    type: copy
    when: steps.check.result.connections.source.kind == "cosmos" && steps.check.result.connections.source.may_read
    from: source
    to: target
    collections: [orders]
`)
			for _, o := range []outcome{j.mustVida(0, "run", plan, "--dry-run"), j.mustVida(0, "run", plan, "--only", "check")} {
				for _, part := range append(test.say, "source: the user may read") {
					if !strings.Contains(o.stdout, part) {
						t.Errorf("lacks %q:\n%s", part, o.stdout)
					}
				}
				j.noSecret(o, "s3cr3t", "w0rd")
			}
			if after := [2]string{everything(t, j.source), everything(t, j.target)}; after != before {
				t.Errorf("the check left something behind:\nbefore %s\nafter  %s", before, after)
			}
			report := j.run(0, plan)
			want(t, "copied", report.step(t, "copy").Inserted, 11)

			wrong := strings.Replace(d.sourceURI, "s3cr3t", "wr0ng", 1) + "&" + impatient
			j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+wrong)
			o := j.mustVida(1, "run", plan, "--restart", "check")
			if !strings.Contains(o.stdout, "error: connection source: ") || !strings.Contains(o.stdout, "refused the user name or the password") {
				t.Errorf("the wrong key:\n%s", o.stdout)
			}
			j.noSecret(o, "wr0ng", "w0rd")
		})
	}
}

// kind: overrules what the server answers.
func TestTheKindOfAPlanOverrules(t *testing.T) {
	j := newJob(t)
	d := startDouble(t)
	text := `version: 1
name: kinds
connections:
  account: {uri: "${ACCOUNT}", database: "${COSMOS_DB_NAME}", kind: mongodb}
  other: {uri: "${MONGODB_ATLAS_CONNECTION_STRING}", database: "${MONGODB_ATLAS_DB_NAME}", kind: cosmos}
steps:
  - {name: check, type: check-connections}
`
	j.env = append(j.env, "ACCOUNT="+d.sourceURI)
	o := j.mustVida(0, "run", j.file("kinds.yaml", text))
	for _, part := range []string{"account: MongoDB 4.2.0 at ", "other: Cosmos DB "} {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("lacks %q:\n%s", part, o.stdout)
		}
	}
}

// An account that throttles its metadata, and connections that break meanwhile, do not fail a check.
func TestACheckBearsThrottlingAndBrokenConnections(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), []any{bson.D{{Key: "_id", Value: 1}}})
	d := startDouble(t, "--source-faults", j.file("faults.yaml", `rules:
  - {command: listCollections, times: 2, action: error, error: {code: 16500, message: "Error=16500, RetryAfterMs=20, Details='x'"}}
  - {command: getLastRequestStatistics, times: 1, action: error, error: {code: 16500, message: "Error=16500, RetryAfterMs=20, Details='x'"}}
  - {command: buildInfo, times: 1, action: reset}
  - {command: ping, times: 1, action: reset}
`))
	j.through(d)
	o := j.mustVida(0, "run", j.plan("bears", "- {name: check, type: check-connections}"), "--output", "json", "--progress", "none")
	if !strings.Contains(o.stdout, "source: Cosmos DB 4.2.0") {
		t.Errorf("not recognised:\n%s", o.stdout)
	}
	if fired := d.fired("source"); fired < 5 {
		t.Errorf("only %d of 5 faults have fired", fired)
	}
	var last struct {
		Type  string `json:"type"`
		Steps []struct {
			Notes []string `json:"notes"`
		} `json:"steps"`
	}
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(last.Steps) != 1 || len(last.Steps[0].Notes) < 4 {
		t.Errorf("%v: %s", err, lines[len(lines)-1])
	}
}
