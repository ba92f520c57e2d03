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

func TestTooBig(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n) + "1" + strings.Repeat("]}", n) }
	keyed := func(n int) string { return `{"k":":::"` + strings.Repeat(`,"k":1`, n-1) + "}" }
	for name, tt := range map[string]struct{ payload, want string }{
		"64 levels":                {nested(32), ""},
		"66 levels":                {nested(33), "nests deeper than 64 levels"},
		"100,000 levels":           {nested(50_000), "nests deeper than 64 levels"},
		"100,000 levels, cut off":  {strings.Repeat("[", 100_000), "nests deeper than 64 levels"},
		"10,000 keys":              {keyed(10_000), ""},
		"10,001 keys":              {keyed(10_001), "has more than 10000 keys"},
		"10,001 keys, all nested":  {"[" + strings.Repeat(`{"a":1},`, 10_001) + "1]", "has more than 10000 keys"},
		"brackets inside strings":  {`"` + strings.Repeat("[{:", 20_000) + `"`, ""},
		"closing without an end":   {strings.Repeat("]", 100_000), ""},
		"a string without an end":  {`"` + strings.Repeat("[", 100_000), ""},
		"closed before it is open": {strings.Repeat("}", 100) + strings.Repeat("[", 65), ""},
	} {
		if got := peek.TooBig([]byte(tt.payload)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A key behind a hundred thousand levels is not there, and looking for it costs
// neither a stack nor a parse.
func TestTextInDeepPayloads(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100_000) + `1` + strings.Repeat("}", 100_000)
	for _, payload := range []string{deep, `{"x":` + deep + `,"id":"1"}`, strings.Repeat("[", 100_000), `{"id":` + deep} {
		if got, ok := peek.Text([]byte(payload), "id"); ok {
			t.Errorf("%.20s…: %q", payload, got)
		}
	}
	if got, ok := peek.Text([]byte(`{"id":"1","x":`+deep+`}`), "id"); got != "1" || !ok {
		t.Errorf("before it: %q, %v", got, ok)
	}
}

// What peek finds in valid JSON without doubled keys is what a parser finds.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`{"id":"a"}`, `{"a":{"id":1},"id":2.5}`, `{"i\u0064":true}`, `[`, `{"id":"\ud800"}`, "{\"x\":\"\\\\\",\"id\":\"q\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := peek.Text(payload, "id")
		depth, keys := peek.Size(payload)
		if json.Valid(payload) && (depth > len(payload) || keys > len(payload)/4+1) {
			t.Errorf("Size(%q) = %d, %d", payload, depth, keys)
		}
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
