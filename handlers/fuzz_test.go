package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"redrive/pipeline"
)

// storable checks that a message can be kept by every store: what is text is
// text, and short.
func storable(t *testing.T, m pipeline.Message) {
	t.Helper()
	for name, text := range map[string]string{"key": m.Key, "content type": m.ContentType, "label": m.Label, "trace": m.Trace} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > 512 {
			t.Errorf("%s %q cannot be stored", name, text)
		}
	}
}

func FuzzBatch(f *testing.F) {
	for _, seed := range []string{"{\"id\":1}\n{\"id\":2}\r\n", "\n \n[]\n\"x\"", "{\"id\":\"\\u0000\"}\nnot json\n", "\r\r\n", strings.Repeat("[", 200), "{\"id\":{}}\n\xff\n1"} {
		f.Add([]byte(seed), "text/plain; charset=x", "push")
	}
	doors := []Door{{MaxBytes: 100}, {MaxBytes: 100, Key: KeySource{Path: []string{"id"}}}, {MaxBytes: 100, Key: KeySource{Header: "X-Id"}}}
	f.Fuzz(func(t *testing.T, body []byte, contentType, event string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/p/batch", nil)
		r.Header = http.Header{"Content-Type": {contentType}, "X-Github-Event": {event}, "X-Id": {"k"}}
		lines := 0
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				lines++
			}
		}
		for _, door := range doors {
			b, err := door.split(r, body)
			if err != nil {
				continue
			}
			if len(b.results) != lines || len(b.messages) != len(b.places) {
				t.Errorf("%q: %d results of %d lines, %d messages in %d places", body, len(b.results), lines, len(b.messages), len(b.places))
			}
			for i, m := range b.messages {
				if b.results[b.places[i]] != nil || !json.Valid(m.Payload) || !bytes.Contains(body, m.Payload) || int64(len(m.Payload)) > door.MaxBytes {
					t.Errorf("%q: message %q", body, m.Payload)
				}
				storable(t, m)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"event":{"id":"a"},"action":"x"}`), "application/json", "push", "key", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add([]byte(`{"event":{"id":"\ud800"},"type":"\u202e"}`), "a/b; c=\xff", "\x01", " ", "")
	f.Add([]byte("\xff\x00"), "", "", "\xff", "00")
	doors := []Door{{MaxBytes: 100, Key: KeySource{Path: []string{"event", "id"}}}, {MaxBytes: 100, Key: KeySource{Header: "X-Id"}}}
	f.Fuzz(func(t *testing.T, payload []byte, contentType, event, key, trace string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/p", nil)
		r.Header = http.Header{"Content-Type": {contentType}, "X-Event-Type": {event}, "X-Id": {key}, "Traceparent": {trace}}
		for _, door := range doors {
			if m, err := door.message(r, payload); err == nil {
				storable(t, m)
			}
		}
	})
}

// What comes by a queue cannot be refused: whatever it is, it must be possible
// to store it, else it would come again for ever.
func FuzzFromQueue(f *testing.F) {
	f.Add("id-1", "key", []byte(`{"detail-type":"made","event":{"id":"a"}}`), "application/json", "made")
	f.Add("id-1", "\xff", []byte(`{"event":{"id":"\u0000"}}`), "a/b; c=\xff", "\x00")
	f.Add("id-1", strings.Repeat("y", 600), bytes.Repeat([]byte("z"), 200), strings.Repeat("a/", 200), "")
	doors := []Door{{MaxBytes: 100}, {MaxBytes: 100, Key: KeySource{Path: []string{"event", "id"}}}}
	f.Fuzz(func(t *testing.T, id, key string, body []byte, contentType, event string) {
		if _, err := fitKey("id", id); err != nil || id == "" {
			return // a queue gives every message one
		}
		for _, door := range doors {
			m := door.FromQueue(Arrival{ID: id, Key: key, Body: body, Attributes: http.Header{"Content-Type": {contentType}, "X-Event-Type": {event}}})
			storable(t, m)
			if m.Key == "" || int64(len(m.Payload)) > door.MaxBytes || (m.Rejected == "") != (len(body) <= 100) {
				t.Errorf("key %q, %d bytes, rejected %q", m.Key, len(m.Payload), m.Rejected)
			}
		}
	})
}

// No text but the key opens a door.
func FuzzUnlock(f *testing.F) {
	for _, seed := range []string{"Bearer x", "bearer  right", "Basic cmlnaHQ6", "Bearer right,right", "Bearer\tright", " Bearer right", "Bearer rightx"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		asked := ""
		door := Door{Opens: func(key string) bool { asked = key; return key == "right" }}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/p", nil)
		r.Header = http.Header{"Authorization": {value}}
		w := httptest.NewRecorder()
		err := door.unlock(w, r)
		if err == nil && asked != "right" || len(asked) > maxBearer {
			t.Errorf("%q: asked for %q, %v", value, asked, err)
		}
		if (err == nil) != (w.Header().Get("WWW-Authenticate") == "") || err != nil && value != "" && len(value) > 8 && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v, %q", value, err, w.Header().Get("WWW-Authenticate"))
		}
	})
}

func FuzzFlash(f *testing.F) {
	for _, seed := range []string{`{"Text":"x"}`, `{"Text":"x","Action":{"Href":"//evil"}}`, `{"Text":"x","Action":{"Href":"/console/rows"}}`, "[", ""} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(seed)), "/console/")
	}
	f.Add("%%%", "/")
	f.Fuzz(func(t *testing.T, value, base string) {
		if !strings.HasPrefix(base, "/") || !strings.HasSuffix(base, "/") || strings.HasPrefix(base, "//") || strings.ContainsAny(base, "\\\t\r\n") {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Cookie", flashCookie+"="+value)
		flash := flashFrom(r)
		if flash == nil {
			return
		}
		if flash.Text == "" {
			t.Errorf("%q: an empty flash", value)
		}
		if flash.Action == nil {
			return
		}
		u, err := url.Parse(string(flash.Action.Href))
		if err == nil && (u.Host != "" || u.Scheme != "") {
			t.Errorf("%q leads to %s", value, flash.Action.Href)
		}
	})
}

// A form holds what it promises, or says what is wrong.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=1&reason=x", "a=1e400", "a=9223372036854775808", "a=3d", "a=1e300d", "a=NaN", "a=0x1p10", "a=2026-05-14+03:20", "a=%ff", "a=1,5", "a=-0", "a=5/s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query) //nolint:errcheck // what can be read of it
		for name, holds := range map[string]func(*form) bool{
			"whole":    func(f *form) bool { n := f.whole("a", 3, 1, 10); return n >= 1 && n <= 10 },
			"decimal":  func(f *form) bool { n := f.decimal("a", 3, 0, 10); return n >= 0 && n <= 10 },
			"percent":  func(f *form) bool { n := f.percent("a"); return n >= 0 && n <= 1 },
			"duration": func(f *form) bool { return f.duration("a", time.Second) >= 0 },
			"moment":   func(f *form) bool { return f.moment("a").Location() == time.UTC },
			"reason":   func(f *form) bool { r := f.reason(); return strings.TrimSpace(r) != "" && len(r) <= 4000 },
		} {
			if f := (&form{values: values}); !holds(f) && f.err() == nil {
				t.Errorf("%q: %s", query, name)
			}
		}
	})
}
