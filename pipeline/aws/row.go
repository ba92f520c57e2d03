package aws

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"redrive/pipeline"
)

// The attributes of a flags item. A step's cell is kept under cellPrefix and its
// name, so no name of a step meets one of these.
const (
	attrPipeline = "p"
	attrGraph    = "g"
	attrLabel    = "l"
	attrType     = "ct"
	attrSize     = "z"
	attrUpdated  = "u"
	attrRejected = "j" // why it was rejected
	attrAside    = "x" // how it was set aside
	cellPrefix   = "."
	claimPrefix  = "," // until when the claim of an exclusive step holds
)

// The attributes of a payload item.
const (
	attrBody  = "b"
	attrTrace = "tr"
	attrKey   = "k"
)

// row is a flags item that is understood.
type row struct {
	id    rowID
	item  item
	graph *pipeline.Graph
	cells map[string]cell   // those that are written down
	raw   map[string]string // as they are written down
	aside *aside
}

// aside is how a row was set aside.
type aside struct {
	Op     string `json:"op,omitempty"`
	Reason string `json:"r"`
	At     int64  `json:"at"`
}

// row makes sense of a flags item; its graph is read once a process.
func (s *Store) row(ctx context.Context, it item) (*row, error) {
	id, ok := parseID(it.str(attrSK))
	if !ok {
		return nil, noRow()
	}
	g, err := s.graphs.get(ctx, it.str(attrGraph))
	if err != nil {
		return nil, err
	}
	r := &row{id: id, item: it, graph: g, cells: map[string]cell{}, raw: map[string]string{}}
	for _, n := range g.Nodes() {
		if raw := it.str(cellPrefix + n.Name); raw != "" {
			if c, ok := parseCell(raw); ok {
				r.cells[n.Name], r.raw[n.Name] = c, raw
			}
		}
	}
	if raw := it.str(attrAside); raw != "" {
		r.aside = &aside{}
		if err := json.Unmarshal([]byte(raw), r.aside); err != nil {
			r.aside = &aside{Reason: raw}
		}
	}
	return r, nil
}

// toCome counts the other steps that have no cell yet, and those that may be
// processed while this one is.
func (r *row) toCome(step string) (left, beside int) {
	below := r.graph.Descendants(step)
	for _, n := range r.graph.Nodes() {
		if n.Name == step {
			continue
		}
		if r.raw[n.Name] == "" {
			left++
		}
		if r.cells[n.Name].State != cellProcessed && !slices.Contains(below, n.Name) {
			beside++
		}
	}
	return left, beside
}

// room is how many bytes are left below flagsBudget for the cell of a step and for
// those that have none yet; their names are taken off already.
func (r *row) room(step string) int {
	n := flagsBudget - sizeOf(r.item) + len(r.raw[step])
	for _, node := range r.graph.Nodes() {
		if r.raw[node.Name] == "" {
			n -= len(cellPrefix + node.Name)
		}
	}
	return n
}

func (r *row) pipeline() string { return r.item.str(attrPipeline) }

func (r *row) rejected() bool { return r.item.has(attrRejected) }

// cell is a step as it stands, written down or not. It is false for a step that
// waits and has never been anything else.
func (r *row) cell(step string) (cell, bool) {
	if c, ok := r.cells[step]; ok {
		return c, true
	}
	if r.rejected() || !r.graph.Has(step) {
		return cell{}, false
	}
	due := r.id.ms
	for _, need := range r.graph.Needs(step) {
		c, ok := r.cells[need]
		if !ok || c.State != cellProcessed || c.Quiet || c.Alone {
			return cell{}, false
		}
		due = max(due, c.Touched)
	}
	return cell{State: cellQueued, Due: due, Touched: due}, true
}

// met tells whether all steps that a step needs are processed.
func (r *row) met(step string) bool {
	return !slices.ContainsFunc(r.graph.Needs(step), func(need string) bool { return r.cells[need].State != cellProcessed })
}

// status as the contract orders it.
func (r *row) status() pipeline.Status {
	switch {
	case r.aside != nil:
		return pipeline.StatusDiscarded
	case r.rejected():
		return pipeline.StatusRejected
	}
	processed, touched := 0, false
	for _, c := range r.cells {
		touched = touched || c.Attempts > 0 || c.Moved
		switch c.State {
		case cellDead:
			return pipeline.StatusDead
		case cellProcessed:
			processed++
		}
	}
	switch {
	case processed == len(r.graph.Nodes()):
		return pipeline.StatusDone
	case touched:
		return pipeline.StatusInProgress
	}
	return pipeline.StatusAccepted
}

// unfinished tells whether the row is still to be worked on.
func (r *row) unfinished() bool {
	s := r.status()
	return s == pipeline.StatusAccepted || s == pipeline.StatusInProgress
}

// flags are the row's cells in its graph's order.
func (r *row) flags() []pipeline.Flag {
	var list []pipeline.Flag
	for _, n := range r.graph.Nodes() {
		if c, ok := r.cell(n.Name); ok && c.State != cellWaiting {
			list = append(list, c.flag(n.Name))
		}
	}
	return list
}

func (r *row) public() pipeline.Row {
	p := pipeline.Row{ID: r.id.text, Pipeline: r.pipeline(), Graph: r.graph.ID(), Status: r.status(), CreatedAt: r.id.created(),
		UpdatedAt: r.item.time(attrUpdated), ContentType: r.item.str(attrType), Label: r.item.str(attrLabel), Size: int(r.item.num(attrSize)),
		Error: r.item.str(attrRejected), Steps: r.flags()}
	if r.aside != nil {
		p.Error = r.aside.Reason
	}
	return p
}

// touched is the last change of any of the row's steps.
func (r *row) touched() time.Time {
	ms := r.id.ms
	for _, c := range r.cells {
		ms = max(ms, c.Touched)
	}
	return fromMillis(ms)
}

// with is the row as it was, or will be, with some cells in other states; raw
// texts are not kept up. An empty State stands for no cell.
func (r *row) with(cells map[string]cell) *row {
	other := *r
	other.cells = make(map[string]cell, len(r.cells)+len(cells))
	for name, c := range r.cells {
		other.cells[name] = c
	}
	for name, c := range cells {
		if c.State == "" {
			delete(other.cells, name)
		} else {
			other.cells[name] = c
		}
	}
	return &other
}

// finished rows may go when their retention is over.
func (r *row) finished() bool { return !r.unfinished() && r.status() != pipeline.StatusDead }

// expired tells whether a row is past its retention: it is shown no more, and
// DynamoDB deletes it within days.
func (r *row) expired(now time.Time) bool {
	ttl := r.item.num(attrTTL)
	return ttl != 0 && time.Unix(ttl, 0).Add(-ttlSlack).Before(now) && r.finished()
}
