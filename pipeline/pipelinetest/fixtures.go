package pipelinetest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"testing"

	"redrive/pipeline"
)

//go:embed testdata/deliveries.ndjson
var deliveries []byte

// Sample is one real delivery of a webhook.
type Sample struct {
	ID    string          `json:"delivery"`
	Event string          `json:"event"`
	Body  json.RawMessage `json:"payload"`
}

// Samples returns real deliveries of different events, 1 to 9 kB each.
func Samples(t testing.TB) []Sample {
	t.Helper()
	var all []Sample
	for line := range bytes.Lines(deliveries) {
		var s Sample
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("reading the sample deliveries: %v", err)
		}
		all = append(all, s)
	}
	return all
}

// Graphs returns every pipeline the suite uses, for backends that make their
// queues beforehand.
func Graphs(t testing.TB) []*pipeline.Graph {
	t.Helper()
	return []*pipeline.Graph{
		// One step is enough for whatever concerns one queue; other has a step of
		// the same name, to tell pipelines apart.
		graph(t, "single", node("deliver")),
		graph(t, "other", node("deliver")),
		graph(t, "chain", node("validate"), node("enrich", "validate"), node("deliver", "enrich")),
		// Fans out and never joins: three sinks.
		graph(t, "fork", node("validate"),
			node("index", "validate"), node("notify", "validate"), node("archive", "validate")),
		graph(t, "join", node("validate"),
			node("index", "validate"), node("notify", "validate"), node("report", "index", "notify")),
		// Two roots, and joins that wait for joins.
		graph(t, "nested", node("fetch"), node("validate"),
			node("merge", "fetch", "validate"), node("score", "validate"),
			node("decide", "merge", "score"), node("report", "decide", "fetch")),
	}
}

func node(name string, needs ...string) pipeline.Node {
	return pipeline.Node{Name: name, Needs: needs}
}

func graph(t testing.TB, name string, nodes ...pipeline.Node) *pipeline.Graph {
	t.Helper()
	g, err := pipeline.NewGraph(name, nodes)
	if err != nil {
		t.Fatalf("making the graph %s: %v", name, err)
	}
	return g
}
