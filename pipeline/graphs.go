package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

const kindGraph = "graph"

// graphs knows every shape a row may have been accepted with: those of the
// configuration and, from the store, those of earlier ones.
type graphs struct {
	records RecordStore
	current map[string]*Graph // by pipeline

	mu   sync.RWMutex
	byID map[string]*Graph
}

type graphRecord struct {
	Pipeline string `json:"pipeline"`
	Nodes    []Node `json:"nodes"`
}

func newGraphs(pipelines []Pipeline, records RecordStore) (*graphs, error) {
	gs := &graphs{records: records, current: map[string]*Graph{}, byID: map[string]*Graph{}}
	for i := range pipelines {
		g, err := pipelines[i].graph()
		if err != nil {
			return nil, err
		}
		gs.current[pipelines[i].Name] = g
		gs.byID[g.ID()] = g
	}
	return gs, nil
}

// store writes the configured graphs, so that rows accepted with them are
// understood after the configuration has changed.
func (gs *graphs) store(ctx context.Context) error {
	for _, g := range gs.current {
		data, err := json.Marshal(graphRecord{Pipeline: g.Pipeline(), Nodes: g.Nodes()})
		if err != nil {
			return err
		}
		err = gs.records.Put(ctx, nil, Record{Kind: kindGraph, ID: g.ID(), Data: data})
		if err != nil && !errors.Is(err, ErrVersion) {
			return fmt.Errorf("storing the graph of %s: %w", g.Pipeline(), err)
		}
	}
	return nil
}

// get returns a graph by id, reading it once if this process has not seen it.
func (gs *graphs) get(ctx context.Context, id string) (*Graph, error) {
	gs.mu.RLock()
	g := gs.byID[id]
	gs.mu.RUnlock()
	if g != nil {
		return g, nil
	}
	rec, err := gs.records.Get(ctx, kindGraph, id)
	if err != nil {
		return nil, fmt.Errorf("reading graph %s: %w", id, err)
	}
	var stored graphRecord
	if err := json.Unmarshal(rec.Data, &stored); err != nil {
		return nil, fmt.Errorf("reading graph %s: %w", id, err)
	}
	if g, err = NewGraph(stored.Pipeline, stored.Nodes); err != nil {
		return nil, err
	}
	gs.mu.Lock()
	gs.byID[id] = g
	gs.mu.Unlock()
	return g, nil
}
