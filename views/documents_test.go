package views

import (
	"strings"
	"testing"
)

func TestDocumentIsMadeReadable(t *testing.T) {
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, tc := range []struct {
		name, in, want string
		json, base64   bool
	}{
		{"JSON is laid out", `{"a":[1,{"b":null}]}`, "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ]\n}", true, false},
		{"text stays", "plain ‹text›", "plain ‹text›", false, false},
		{"bytes are base64", "\xff\x00", "/wA=", false, true},
		{"deep nesting is not blown up", deep, deep, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := NewDocument("", []byte(tc.in))
			if d.Text != tc.want || d.JSON != tc.json || d.Base64 != tc.base64 {
				t.Errorf("got %.80q, JSON %v, base64 %v", d.Text, d.JSON, d.Base64)
			}
		})
	}
	cut := NewDocument("", []byte(strings.Repeat("é", documentShown)))
	if !cut.Cut || cut.Base64 || strings.ContainsRune(cut.Text, '\uFFFD') {
		t.Errorf("a long text: cut %v, base64 %v, %d bytes", cut.Cut, cut.Base64, len(cut.Text))
	}
}

func TestDocumentTellsTokensApart(t *testing.T) {
	d := NewDocument("", []byte(`{"k\"ey": "<s>", "n": -1.5e3, "t": true}`))
	var b strings.Builder
	if err := d.code(d.Text).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<span class="k">&#34;k\&#34;ey&#34;</span>`, `<span class="s">&#34;&lt;s&gt;&#34;</span>`, `<span class="num">-1.5e3</span>`, `<span class="num">true</span>`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"", `{"a":1}`, `"\`, "\xff", "[[[[", `{"a":"\u00`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := NewDocument("", in)
		var b strings.Builder
		if err := d.code(d.Text).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "<script") {
			t.Error("markup came out of a document")
		}
	})
}
