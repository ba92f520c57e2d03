package sqlite

import (
	"maps"
	"slices"

	"redrive/pipeline"
)

// Kinds of names.
const (
	namePipeline = 1
	nameStep     = 2 // parent: its pipeline
	nameGraph    = 3 // parent: its pipeline
	nameWorker   = 4
	nameMetric   = 5 // metric, pipeline, step and breaker, joined by a zero byte
)

type nameKey struct {
	kind, parent int64
	name         string
}

// names is an immutable copy of the tables names and graph_steps. They are
// small: configuration puts words there, senders do not.
type names struct {
	ids    map[nameKey]int64
	keys   map[int64]nameKey
	graphs map[int64][]int64 // steps of a graph
}

func loadNames(c *conn) (*names, error) {
	n := &names{ids: map[nameKey]int64{}, keys: map[int64]nameKey{}, graphs: map[int64][]int64{}}
	s := c.prep("SELECT id, kind, parent, name FROM names")
	err := s.each(func() bool {
		k := nameKey{s.i64(1), s.i64(2), s.str(3)}
		n.ids[k], n.keys[s.i64(0)] = s.i64(0), k
		return true
	})
	if err != nil {
		return nil, err
	}
	s = c.prep("SELECT graph, step FROM graph_steps ORDER BY graph, step")
	return n, s.each(func() bool {
		n.graphs[s.i64(0)] = append(n.graphs[s.i64(0)], s.i64(1))
		return true
	})
}

func (n *names) id(kind, parent int64, name string) (int64, bool) {
	id, ok := n.ids[nameKey{kind, parent, name}]
	return id, ok
}

func (n *names) text(id int64) string { return n.keys[id].name }

// step answers the names of a step and of its pipeline.
func (n *names) step(id int64) (pipeline, step string) {
	k := n.keys[id]
	return n.keys[k.parent].name, k.name
}

func (n *names) stepID(pipeline, step string) (int64, bool) {
	p, ok := n.id(namePipeline, 0, pipeline)
	if !ok {
		return 0, false
	}
	return n.id(nameStep, p, step)
}

// all lists the numbers of a kind, of one parent if it is not 0, in order.
func (n *names) all(kind, parent int64) []int64 {
	var ids []int64
	for id, k := range n.keys {
		if k.kind == kind && (parent == 0 || k.parent == parent) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// steps lists the steps a filter means; an empty name means all.
func (n *names) steps(pipeline, step string) []int64 {
	var parent int64
	if pipeline != "" {
		var ok bool
		if parent, ok = n.id(namePipeline, 0, pipeline); !ok {
			return nil
		}
	}
	ids := n.all(nameStep, parent)
	if step == "" {
		return ids
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return n.keys[id].name != step })
}

// name answers the number of a name and stores the name if it is new.
func (w *writer) name(kind, parent int64, name string) (int64, error) {
	if id, ok := w.db.names.Load().id(kind, parent, name); ok {
		return id, nil
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	s := w.conn.prep("INSERT INTO names (kind, parent, name) VALUES (?, ?, ?) RETURNING id")
	var id int64
	_, err := s.int(1, kind).int(2, parent).text(3, name).one(func() { id = s.i64(0) })
	if err != nil {
		return 0, err
	}
	next := w.db.names.Load().clone()
	k := nameKey{kind, parent, name}
	next.ids[k], next.keys[id] = id, k
	w.db.names.Store(next)
	return id, nil
}

func (n *names) clone() *names {
	return &names{ids: maps.Clone(n.ids), keys: maps.Clone(n.keys), graphs: maps.Clone(n.graphs)}
}

// graph answers the number of a graph and keeps which steps it has.
func (w *writer) graph(pipe int64, g *pipeline.Graph) (int64, error) {
	id, err := w.name(nameGraph, pipe, g.ID())
	if err != nil {
		return 0, err
	}
	for _, list := range [2][]string{g.Roots(), g.Later()} {
		for _, step := range list {
			s, err := w.name(nameStep, pipe, step)
			if err != nil {
				return 0, err
			}
			if slices.Contains(w.db.names.Load().graphs[id], s) {
				continue
			}
			if err := w.conn.prep("INSERT OR IGNORE INTO graph_steps (graph, step) VALUES (?, ?)").int(1, id).int(2, s).run(); err != nil {
				return 0, err
			}
			next := w.db.names.Load().clone()
			next.graphs[id] = append(slices.Clone(next.graphs[id]), s)
			w.db.names.Store(next)
		}
	}
	return id, nil
}
