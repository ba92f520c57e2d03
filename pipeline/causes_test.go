package pipeline

import "testing"

func TestNormaliseError(t *testing.T) {
	for in, want := range map[string]string{
		"timeout calling search-api: no answer in 5.003 s":            "timeout calling search-api: no answer in ‹n› s",
		"503 from 127.0.0.1:9001: {\"error\":\"no shard available\"}": "503 from ‹n›: {\"error\":\"no shard available\"}",
		"550 mailbox unavailable: user123@example.com":                "550 mailbox unavailable: ‹address›",
		"order 8812 of 2026-11-21T03:02:06Z is gone":                  "order ‹n› of ‹time› is gone",
		"row d1373294-e54c-4524-8387-363647fbdee2 failed":             "row ‹id› failed",
		"duplicate key 01krj4tv6m2yf in table rows":                   "duplicate key ‹id› in table rows",
		"node-7 died":        "node-‹n› died",
		"took 10ms, 32kB":    "took ‹n›",
		"connection refused": "connection refused",
		"":                   "",
		"ids 1, 2, 3, 4":     "ids ‹n›",
	} {
		if got := NormaliseError(in); got != want {
			t.Errorf("NormaliseError(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGroupOf(t *testing.T) {
	base := GroupOf("p", "s", LetterHandler, 503, "", "x")
	if GroupOf("p", "s", LetterHandler, 503, "ignored with a status", "x") != base {
		t.Error("the same cause has two groups")
	}
	others := map[string]string{
		"pipeline": GroupOf("q", "s", LetterHandler, 503, "", "x"),
		"step":     GroupOf("p", "t", LetterHandler, 503, "", "x"),
		"kind":     GroupOf("p", "s", LetterUndeliverable, 503, "", "x"),
		"status":   GroupOf("p", "s", LetterHandler, 500, "", "x"),
		"time-out": GroupOf("p", "s", LetterHandler, 0, CauseTimeout, "x"),
		"text":     GroupOf("p", "s", LetterHandler, 503, "", "y"),
	}
	for name, g := range others {
		if g == base {
			t.Errorf("another %s has the same group", name)
		}
	}
}

func FuzzNormaliseError(f *testing.F) {
	f.Add("503 from 127.0.0.1: row 8812 \xff\u202e")
	f.Add("\xff00") // a byte that is no text, as many bytes before the end as its replacement has
	f.Fuzz(func(t *testing.T, s string) {
		once := NormaliseError(s)
		if len(once) > causeMost+64 {
			t.Errorf("%d bytes", len(once))
		}
	})
}
