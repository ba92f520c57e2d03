package peek_test

import (
	"encoding/json"
	"strings"
	"testing"

	"redrive/handlers/peek"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, payload, path, want string
	}{
		{"a string at the top", `{"id":"a1"}`, "id", "a1"},
		{"a number as it is written", `{"id": 12345678901234567890.10 }`, "id", "12345678901234567890.10"},
		{"a boolean", `{"id":true}`, "id", "true"},
		{"a path", `{"event":{"x":[1,{"id":"no"}],"id":"e"},"id":"top"}`, "event.id", "e"},
		{"keys inside strings do not count", `{"a":"\"id\":\"x\"","id":"y"}`, "id", "y"},
		{"an escaped key", `{"\u0069d":"z"}`, "id", "z"},
		{"escapes are resolved", `{"id":"a\"\\\u00e9"}`, "id", `a"\é`},
		{"null is not there", `{"id":null}`, "id", ""},
		{"an object is no key", `{"id":{}}`, "id", ""},
		{"a list is no key", `{"id":[1]}`, "id", ""},
		{"the empty string is not there", `{"id":""}`, "id", ""},
		{"a list at the top", `[{"id":1}]`, "id", ""},
		{"not JSON", `hello`, "id", ""},
		{"cut off", `{"id":"a`, "id", ""},
		{"cut off before", `{"a":{"b":1,"id":"x"`, "id", ""},
		{"nested too deep before it", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"id":"x"}`, "id", ""},
		{"nothing", ``, "id", ""},
		{"garbage number", `{"id":12ab}`, "id", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := peek.Text([]byte(tt.payload), strings.Split(tt.path, ".")...)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Text = %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestStringTakesNoNumber(t *testing.T) {
	t.Parallel()
	if got, ok := peek.String([]byte(`{"type":5}`), "type"); ok {
		t.Errorf("String = %q; want none", got)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]int{`1`: 0, `{}`: 1, `{"a":[{"b":"]]]{{{"}]}`: 3, `"{{"`: 0, `[[`: 2, `"\"[["`: 0} {
		if got := peek.Depth([]byte(payload)); got != want {
			t.Errorf("Depth(%s) = %d, want %d", payload, got, want)
		}
	}
}

// What peek finds in valid JSON without doubled keys is what a parser finds.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`{"id":"a"}`, `{"a":{"id":1},"id":2.5}`, `{"i\u0064":true}`, `[`, `{"id":"\ud800"}`, "{\"x\":\"\\\\\",\"id\":\"q\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := peek.Text(payload, "id")
		_ = peek.Depth(payload)
		var parsed map[string]json.RawMessage
		if !json.Valid(payload) || json.Unmarshal(payload, &parsed) != nil || peek.Depth(payload) > 60 || doubled(payload) {
			return
		}
		want, wanted := expect(parsed["id"])
		if got != want || ok != wanted {
			t.Errorf("Text(%q) = %q, %v; a parser finds %q, %v", payload, got, ok, want, wanted)
		}
	})
}

func expect(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || strings.ContainsRune("{[n", rune(raw[0])) {
		return "", false
	}
	if raw[0] != '"' {
		return string(raw), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil && s != ""
}

// doubled tells whether a key stands twice at the top, where parsers disagree.
func doubled(payload []byte) bool {
	dec := json.NewDecoder(strings.NewReader(string(payload)))
	seen := map[string]bool{}
	dec.Token()
	for dec.More() {
		key, err := dec.Token()
		name, _ := key.(string)
		var skip json.RawMessage
		if err != nil || seen[name] || dec.Decode(&skip) != nil {
			return true
		}
		seen[name] = true
	}
	return false
}
