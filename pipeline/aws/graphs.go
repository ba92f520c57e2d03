package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"redrive/pipeline"
)

// graphs knows the shape of every row: each is stored once before the first row
// that has it, and read once by each process.
type graphs struct {
	table *table

	mu     sync.RWMutex
	byID   map[string]*pipeline.Graph
	stored map[string]bool // by this process
}

const graphsPK = "G"

type storedGraph struct {
	Pipeline string          `json:"pipeline"`
	Nodes    []pipeline.Node `json:"nodes"`
}

func newGraphs(t *table) *graphs {
	return &graphs{table: t, byID: map[string]*pipeline.Graph{}, stored: map[string]bool{}}
}

// keep stores a graph, before a row that has it is.
func (g *graphs) keep(ctx context.Context, graph *pipeline.Graph) error {
	g.mu.RLock()
	done := g.stored[graph.ID()]
	g.mu.RUnlock()
	if done {
		return nil
	}
	data, err := json.Marshal(storedGraph{graph.Pipeline(), graph.Nodes()})
	if err != nil {
		return fmt.Errorf("storing the graph of %s: %w", graph.Pipeline(), err)
	}
	it := keyOf(graphsPK, graph.ID())
	it["data"] = str(string(data))
	if err := g.table.put(ctx, it); err != nil {
		return err
	}
	g.mu.Lock()
	g.byID[graph.ID()], g.stored[graph.ID()] = graph, true
	g.mu.Unlock()
	return nil
}

func (g *graphs) get(ctx context.Context, id string) (*pipeline.Graph, error) {
	g.mu.RLock()
	graph := g.byID[id]
	g.mu.RUnlock()
	if graph != nil {
		return graph, nil
	}
	it, err := g.table.get(ctx, graphsPK, id, true)
	if err != nil {
		return nil, err
	}
	var stored storedGraph
	if err := json.Unmarshal([]byte(it.str("data")), &stored); err != nil {
		return nil, &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the graph " + id + " is not in the table; it may have been restored in part", Err: err}
	}
	if graph, err = pipeline.NewGraph(stored.Pipeline, stored.Nodes); err != nil {
		return nil, fmt.Errorf("reading graph %s: %w", id, err)
	}
	g.mu.Lock()
	g.byID[id] = graph
	g.mu.Unlock()
	return graph, nil
}
