package cosmos

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

func TestHTTP(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1000, Partitions: 2, Now: clock.now})
	call := func(method, path, body string) (int, Statistics) {
		t.Helper()
		request, err := http.NewRequestWithContext(context.Background(), method, r.double.StatsURL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		var s Statistics
		if response.StatusCode == http.StatusOK {
			if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
				t.Fatal(err)
			}
		}
		return response.StatusCode, s
	}
	r.mustRun(bson.D{{Key: "find", Value: "c"}})
	clock.forward(time.Second)
	code, s := call(http.MethodGet, "", "")
	if code != 200 || s.Charged.Total != 5 || s.Charged.LastSecond != 5 || s.Charged.ByCommand["find"] != 5 || len(s.Partitions) != 2 || s.Partitions[1].Charged != 2.5 || s.Partitions[0].RequestUnits != 500 || s.Seconds != 1 || s.Connections == 0 {
		t.Errorf("GET: %d %+v", code, s)
	}
	code, s = call(http.MethodPost, "", `{"request_units": 4000, "background": 1000, "server_side_retry": true, "reset": true}`)
	if code != 200 || s.Budget != (Budget{RequestUnits: 4000, Background: 1000, ServerSideRetry: true}) || s.Partitions[0].RequestUnits != 1500 || s.Charged.Total != 0 || s.Partitions[0].Charged != 0 {
		t.Errorf("POST: %d %+v", code, s)
	}
	for _, body := range []string{``, `{`, `{"request_units": 0}`, `{"request_units": -5}`, `{"background": -1}`, `{"budget": 5}`, `{} {}`, `[]`} {
		if code, _ := call(http.MethodPost, "", body); code != 400 {
			t.Errorf("POST %s: %d", body, code)
		}
	}
	if code, _ := call(http.MethodGet, "elsewhere", ""); code != 404 {
		t.Errorf("GET elsewhere: %d", code)
	}
	if _, s := call(http.MethodGet, "", ""); s.Budget.RequestUnits != 4000 {
		t.Errorf("a refused change changed something: %+v", s.Budget)
	}
}
