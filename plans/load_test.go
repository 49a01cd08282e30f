package plans

import (
	"path/filepath"
	"testing"
)

var twoURIs = []string{
	"COSMOS_DB_CONNECTION_STRING=mongodb://acct:a2V5==@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@",
	"MONGODB_ATLAS_CONNECTION_STRING=mongodb+srv://user:pass@cluster.example.mongodb.net/?retryWrites=true&w=majority",
}

func TestShippedPlansLoad(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) != 7 {
		t.Fatalf("shipped plans: %v, %v", files, err)
	}
	for _, file := range files {
		plan, found, err := Load(file, Options{Environ: twoURIs})
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %v\n%s", file, err, found)
			continue
		}
		for _, s := range plan.Steps {
			t.Log(s.Name, s.Type, s.Identity, s.Tuning, s.Spec)
		}
	}
}
