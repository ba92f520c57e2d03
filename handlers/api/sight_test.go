package api_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"redrive/pipeline"
)

const canary = "Canary4aSecret"

func secretRow() pipeline.RowDetail {
	return pipeline.RowDetail{Row: pipeline.Row{ID: "r1", ContentType: "application/json", Steps: []pipeline.Flag{{Name: "index"}}},
		Key: "token=" + canary, Payload: []byte(`{"id": 1.50, "password": "` + canary + `"}`), Results: map[string][]byte{"index": []byte(`{"ok":true,"api_key":"` + canary + `"}`)}}
}

// Without access control an answer has what was sent, value for value.
func TestPayloadIsAsStoredWithoutAuth(t *testing.T) {
	t.Parallel()
	f := &fake{row: secretRow()}
	for _, target := range []string{"/rows/r1", "/rows/r1?reveal=true", "/rows/r1?reveal=false"} {
		w, got := call(t, f, "GET", target, "")
		var want any
		if err := json.Unmarshal(f.row.Payload, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got["payload"], want) || !strings.Contains(w.Body.String(), `{"id":1.50,`) || got["payload_masked"] != false || got["payload_withheld"] != false || f.reason != "" {
			t.Errorf("%s: %s, %q", target, w.Body, f.reason)
		}
	}
}

func TestPayloadIsMaskedForOperators(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"operator", "admin"} {
		f := &fake{row: secretRow(), role: role}
		for _, c := range [][3]string{{"GET", "/rows/r1", ""}, {"GET", "/rows/r1?reveal=false", ""}, {"POST", "/rows/r1/replay", `{"step":"index"}`}, {"POST", "/rows/r1/discard", `{"reason":"x"}`}, {"POST", "/rows/r1/restore", `{"reason":"x"}`}} {
			w, got := call(t, f, c[0], c[1], c[2])
			payload, _ := got["payload"].(map[string]any)
			if strings.Contains(w.Body.String(), canary) || got["payload_masked"] != true || payload["id"] != 1.5 {
				t.Errorf("%s %s: %s", role, c[1], w.Body)
			}
		}
		f.reason = ""
		w, got := call(t, f, "GET", "/rows/r1?reveal=true", "")
		if strings.Count(w.Body.String(), canary) != 3 || got["payload_masked"] != false || f.reason != "revealed through api" {
			t.Errorf("%s: %s, %q", role, w.Body, f.reason)
		}
	}
}

func TestPayloadIsWithheldFromViewers(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"viewer", "something new"} {
		f := &fake{row: secretRow(), role: role}
		w, got := call(t, f, "GET", "/rows/r1", "")
		steps, _ := got["steps"].([]any)
		step, _ := steps[0].(map[string]any)
		if payload, there := got["payload"]; !there || payload != nil || got["payload_withheld"] != true || step["result"] != nil || strings.Contains(w.Body.String(), canary) {
			t.Errorf("%s: %s", role, w.Body)
		}
		f.err = &pipeline.Error{Code: pipeline.CodeForbidden, Text: "seeing a payload needs the role operator"}
		if w, got = call(t, f, "GET", "/rows/r1?reveal=true", ""); w.Code != 403 || !strings.Contains(w.Body.String(), "role operator") || got["payload"] != nil {
			t.Errorf("%s: %d %s", role, w.Code, w.Body)
		}
	}
	f := &fake{row: secretRow()}
	if w, _ := call(t, f, "GET", "/rows/r1?reveal=yes", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "reveal must be one of true, false") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestQueueMessagesBySight(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]struct{ body, tenant any }{"": {"{}", "acme"}, "operator": {"{}", "acme"}, "viewer": {nil, ""}} {
		f := &fake{role: role}
		for _, c := range [][3]string{{"GET", "/queues/orders-dlq", ""}, {"POST", "/queues/orders-dlq/browse", "{}"}} {
			w, got := askQueues(t, f, c[0], c[1], c[2])
			messages, _ := got["messages"].([]any)
			message, _ := messages[0].(map[string]any)
			attributes, _ := message["attributes"].([]any)
			tenant, _ := attributes[0].(map[string]any)
			if message["body"] != want.body || tenant["value"] != want.tenant || message["body_withheld"] != (role == "viewer") || message["body_masked"] != false {
				t.Errorf("%q %s: %s", role, c[1], w.Body)
			}
		}
		f.reason = ""
		askQueues(t, f, "GET", "/queues/orders-dlq?reveal=true", "")
		if noted := f.reason != ""; noted != (role != "") {
			t.Errorf("%q: noted %q", role, f.reason)
		}
	}
}
