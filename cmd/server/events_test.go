package main

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The stream tells what changed, by name, and ends with the program.
func TestEventsTellOfChanges(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call", "breaker: shop")}, "breakers: {shop: {}}"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	equal(t, "status", res.StatusCode, http.StatusOK)
	equal(t, "content type", res.Header.Get("Content-Type"), "text/event-stream")
	lines := bufio.NewScanner(res.Body)
	until := func(topics ...string) {
		t.Helper()
		readUntil(t, lines, topics)
	}
	lines.Scan() // the stream is open
	id := p.acceptOne()
	until("rows", "overview", "row:"+id)
	p.down.on("call", always(422))
	p.acceptOne()
	until("dead_letters")
	p.force("shop", "open", "1h")
	until("breakers", "audit")
	p.change("call", body{"paused": true})
	until("steps")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if text := lines.Text(); text != "" && !strings.HasPrefix(text, "data: ") && !strings.HasPrefix(text, ":") {
			t.Errorf("the stream ends with %q", text)
		}
	}
}

// readUntil reads on until each of the topics was told of.
func readUntil(t *testing.T, lines *bufio.Scanner, topics []string) {
	t.Helper()
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		told := strings.Fields(data)
		topics = slices.DeleteFunc(topics, func(topic string) bool { return slices.Contains(told, topic) })
		if len(topics) == 0 {
			return
		}
	}
	t.Fatalf("the stream ended without a word of %v: %v", topics, lines.Err())
}
