package api

import (
	"encoding/json"
	"reflect"
	"testing"

	"redrive/handlers/problem"
)

// What the strict decoder takes, the standard one reads the same way.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"pipeline":"p","ids":["a"],"reason":"x"}`, `{"pipeline":null}`, `{"dry_run":true}{`, `{"pipeline":"a","pipeline":"b"}`,
		`{"rate_per_second":1e999}`, `{"canary":{"a":[1,2]}}`, `{"group":"\ud800"}`, ` `, `{"all":1}`, "{\"q\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want redriveBody
		if err := decode(raw, &got); err != nil {
			if p := problem.Of(err); p.Status != 400 || p.Detail == "" {
				t.Errorf("%q: refused with %d %q", raw, p.Status, p.Detail)
			}
			return
		}
		if len(raw) > 0 && json.Unmarshal(raw, &want) == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, the standard decoder reads %+v", raw, got, want)
		}
	})
}

// Whatever the query, it is refused with a 400 or holds only what is known.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=5", "limit=5&limit=6", "since=2026-05-14T03:00:00Z", "q=%zz", "x=;", "status=dead&q=%00", "%6cimit=9"} {
		f.Add(seed)
	}
	known := append([]Param{text("q", ""), timeParam("since", ""), oneOf("status", "", statuses()...)}, paging()...)
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := readQuery(raw, known)
		if err != nil {
			if p := problem.Of(err); p.Status != 400 || p.Detail == "" {
				t.Errorf("%q: refused with %d %q", raw, p.Status, p.Detail)
			}
			return
		}
		c := &Call{query: values}
		if n := c.limit(); n < 1 || n > maxLimit {
			t.Errorf("%q: limit %d", raw, n)
		}
		if values["since"] != "" && c.time("since").IsZero() && values["since"][:4] != "0001" {
			t.Errorf("%q: since %v", raw, c.time("since"))
		}
	})
}
