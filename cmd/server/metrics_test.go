package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call", "breaker: shop")}, "breakers: {shop: {}}"))
	p.becomes(p.acceptOne(), "done")
	text := eventually(t, "a row in the metrics", func() string { return string(p.get("/metrics").want(http.StatusOK).body) }, func(text string) bool {
		return strings.Contains(text, `pipeline="github"`) && strings.Contains(text, `step="call"`) && strings.Contains(text, `breaker="shop"`)
	})
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && len(strings.Fields(line)) < 2 {
			t.Errorf("not a sample: %s", line)
		}
	}
}
