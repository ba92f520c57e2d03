package pipelinetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"redrive/pipeline"
)

// These are the random calls of a workload: each is made on the store and on
// the model, and their answers compared.

func (w *workload) step() {
	calls := []struct {
		weight int
		call   func()
	}{
		{5, w.insertSome}, {9, w.receiveSome}, {12, w.settleSome}, {2, w.extendOne}, {4, w.letTimePass},
		{7, w.requeueOne}, {2, w.discardOne}, {2, w.restoreOne}, {1, w.expireSome}, {1, w.reopenSome},
	}
	total := 0
	for _, c := range calls {
		total += c.weight
	}
	n := w.IntN(total)
	for _, c := range calls {
		if n -= c.weight; n < 0 {
			c.call()
			return
		}
	}
}

// graphs of the workload: few, so that rows meet.
func (w *workload) graph() *pipeline.Graph {
	return []*pipeline.Graph{chain(w.env), join(w.env), nested(w.env)}[w.IntN(3)]
}

func (w *workload) insertSome() {
	w.letPass(2 * time.Millisecond)
	var rows []pipeline.NewRow
	var graphs []*pipeline.Graph
	for range 1 + w.IntN(3) {
		g := w.graph()
		r := w.env.row(g)
		if w.IntN(8) == 0 {
			r = w.rejected(g)
		}
		r.Payload = []byte("{}")
		if w.IntN(2) == 0 {
			r.Key = fmt.Sprint("key-", w.IntN(4))
		}
		rows, graphs = append(rows, r), append(graphs, g)
	}
	for i, in := range w.insert(rows...) {
		known := w.m.known(graphs[i], rows[i].Key)
		w.note("insert %s %s %q %s: %s duplicate=%v", rows[i].Pipeline, rows[i].Status, rows[i].Key, rows[i].At, in.ID, in.Duplicate)
		same(w.env, "duplicate", in.Duplicate, known != nil)
		if known != nil {
			same(w.env, "id of a known key", in.ID, known.id)
			continue
		}
		w.m.insert(in.ID, rows[i].Key, graphs[i], rows[i].Status == pipeline.StatusRejected, rows[i].At)
	}
}

func (w *workload) receiveSome() {
	g := w.graph()
	step := g.Nodes()[w.IntN(len(g.Nodes()))].Name
	q := w.request(g, step, 1+w.IntN(3))
	q.Hide = time.Duration(1+w.IntN(12))*w.tick() + w.tick()/2
	must := 0
	now := w.now()
	for _, r := range w.m.rows {
		if m, _ := r.due(step, now); m && r.g.Pipeline() == g.Pipeline() {
			must++
		}
	}
	q.Wait = w.h.Precision
	got := w.receive(q)
	w.note("%v receive %d of %s/%s for %v: %d, %d must", now, q.N, g.Pipeline(), step, q.Hide, len(got), must)
	if w.h.Precision == 0 && len(got) < min(must, q.N) {
		w.Errorf("received %d of %s/%s, at least %d are due", len(got), g.Pipeline(), step, min(must, q.N))
	}
	for _, d := range got {
		w.received(d, step, now, q.Hide)
	}
}

// drain takes everything back that was set aside or gave up, and works until
// nothing is left to do.
func (w *workload) drain() {
	w.letPass(15 * w.tick())
	for _, r := range w.sorted() {
		if r.discarded {
			w.restore("", r.id)
			r.restore()
		}
		for _, n := range r.g.Nodes() {
			if c := r.cells[n.Name]; c != nil && c.state == pipeline.StateDead {
				mv := move(r.id, n.Name, pipeline.StateDead, w.now())
				w.requeue(mv)
				r.requeue(mv)
			}
		}
	}
	for again := true; again && !w.Failed(); {
		again = false
		for _, name := range []string{"chain", "join", "nested"} {
			for _, n := range w.graphs[name].Nodes() {
				again = w.workOff(w.graphs[name], n.Name) || again
			}
		}
	}
}

func (w *workload) workOff(g *pipeline.Graph, step string) bool {
	now, q := w.now(), w.request(g, step, 10)
	q.Wait = w.h.Precision
	ds := w.receive(q)
	for _, d := range ds {
		w.received(d, step, now, q.Hide)
	}
	out := each(ds, func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })
	if len(out) > 0 {
		w.settle(out...)
	}
	for _, o := range out {
		w.m.settle(w.m.rows[o.Delivery.Row], o, now)
	}
	return len(ds) > 0
}

func (w *workload) received(d pipeline.Delivery, step string, now time.Time, hide time.Duration) {
	r := w.m.rows[d.Row]
	if r == nil {
		w.Fatalf("received row %s, which does not exist", d.Row)
	}
	if _, may := r.due(step, now); !may {
		w.Fatalf("received %s of row %s, which is not due", step, d.Row)
	}
	w.given++
	c := r.receive(step, w.given, now.Add(hide))
	w.note("	%s of row %s: attempt %d, spent %d, alone %v", step, d.Row, d.Attempt, d.Spent, d.Alone)
	same(w.env, "attempt", d.Attempt, c.attempts)
	same(w.env, "spent", d.Spent, c.spent)
	same(w.env, "alone", d.Alone, c.alone)
	w.held = append(w.held, lease{d, w.given})
}

func (w *workload) outcome(d pipeline.Delivery, g *pipeline.Graph) pipeline.Outcome {
	at := w.now().Add(time.Duration(w.IntN(8))*w.tick() + w.tick()/4)
	switch w.IntN(10) {
	case 0, 1:
		return retry(d, at)
	case 2:
		return throttled(d, at)
	case 3:
		return dead(d, fmt.Sprint(500+w.IntN(3)))
	case 4:
		return released(d)
	default:
		return processed(g, d)
	}
}

// settleSome settles up to three leases, current ones and old ones, sometimes
// one of them twice.
func (w *workload) settleSome() {
	if len(w.held) == 0 {
		return
	}
	var out []pipeline.Outcome
	var leases []lease
	for range 1 + w.IntN(3) {
		l := w.held[w.IntN(len(w.held))]
		leases = append(leases, l)
		out = append(out, w.outcome(l.d, w.graphOf(l.d)))
	}
	now := w.now()
	for i, err := range w.trySettle(out...) {
		r, step := w.m.rows[leases[i].d.Row], leases[i].d.Step
		current, sure := r.lease(step, leases[i].token, now)
		w.note("%v settle %s of row %s, lease %d as %d: %v", now, step, leases[i].d.Row, leases[i].token, out[i].Verdict, err)
		switch {
		case err == nil && !current:
			w.Errorf("an old lease of %s was settled", step)
		case errors.Is(err, pipeline.ErrLeaseLost) && sure:
			w.Errorf("the current lease of %s is called lost", step)
		case err == nil:
			w.m.settle(r, out[i], now)
			if out[i].Verdict == pipeline.Release {
				w.back[leases[i].token] = true
			}
		case !errors.Is(err, pipeline.ErrLeaseLost):
			w.Errorf("settling answers %v", err)
		}
	}
}

func (w *workload) graphOf(d pipeline.Delivery) *pipeline.Graph {
	g := w.graphs[d.Pipeline]
	if g == nil || g.ID() != d.Graph {
		w.Fatalf("delivery of an unknown graph %s of %s", d.Graph, d.Pipeline)
	}
	return g
}

func (w *workload) extendOne() {
	if len(w.held) == 0 {
		return
	}
	l := w.held[w.IntN(len(w.held))]
	now, hide := w.now(), time.Duration(1+w.IntN(12))*w.tick()+w.tick()/2
	errs, err := w.b.Work.Extend(w.Context(), hide, l.d)
	w.ok(err, "extending")
	w.note("%v extend %s of row %s, lease %d by %v: %v", now, l.d.Step, l.d.Row, l.token, hide, errs)
	r := w.m.rows[l.d.Row]
	current, sure := r.lease(l.d.Step, l.token, now)
	switch {
	case errs[0] == nil && !current:
		w.Errorf("an old lease of %s was extended", l.d.Step)
	case errs[0] != nil && sure:
		w.Errorf("the current lease of %s is called lost", l.d.Step)
	case errs[0] == nil:
		r.cells[l.d.Step].due = now.Add(hide)
	}
}

func (w *workload) letPass(d time.Duration) {
	w.pass(d)
	w.note("%v passes", d)
}

func (w *workload) letTimePass() { w.letPass(time.Duration(1+w.IntN(6)) * w.tick()) }

// requeueOne moves a dead or processed step, sometimes from a wrong state.
func (w *workload) requeueOne() {
	r := w.row()
	if r == nil || r.rejected {
		return
	}
	step := r.g.Nodes()[w.IntN(len(r.g.Nodes()))].Name
	c := r.cells[step]
	if c == nil || c.state != pipeline.StateDead && c.state != pipeline.StateProcessed {
		return
	}
	mv := move(r.id, step, c.state, w.now())
	mv.Alone = w.IntN(4) == 0
	if !mv.Alone && w.IntN(2) == 0 {
		mv.Reset = slices.DeleteFunc(r.g.Descendants(step), func(string) bool { return w.IntN(4) == 0 })
	}
	want := error(nil)
	if w.IntN(5) == 0 {
		mv.If = pipeline.StateRetrying
	}
	if r.discarded || mv.If != c.state {
		want = pipeline.ErrChanged
	}
	w.note("requeue %s of row %s if %s, alone %v, reset %v: want %v", step, r.id, mv.If, mv.Alone, mv.Reset, want)
	w.answers("requeueing", w.tryRequeue(nil, mv), want)
	if want == nil {
		r.requeue(mv)
	}
}

func (w *workload) discardOne() {
	r := w.row()
	if r == nil {
		return
	}
	errs, err := w.b.Moves.Discard(w.Context(), nil, "op-1", "why", r.id)
	w.ok(err, "discarding")
	w.note("discard row %s: %v", r.id, errs)
	want := error(nil)
	if r.discarded {
		want = pipeline.ErrChanged
	}
	w.answers("discarding", errs, want)
	r.discarded = true
}

func (w *workload) restoreOne() {
	r := w.row()
	if r == nil || !r.discarded && w.IntN(4) > 0 {
		return
	}
	errs, err := w.b.Moves.Restore(w.Context(), nil, "op-1", r.id)
	w.ok(err, "restoring")
	w.note("restore row %s: %v", r.id, errs)
	want := error(nil)
	if !r.discarded {
		want = pipeline.ErrChanged
	}
	w.answers("restoring", errs, want)
	r.restore()
}

func (w *workload) expireSome() {
	g, limit := w.graph(), 1+w.IntN(3)
	n := w.expire(g, w.now().Add(time.Minute+w.h.Grain), limit)
	w.note("expire %d of %s: %d", limit, g.Pipeline(), n)
	gone, left := 0, 0
	for _, r := range w.sorted() {
		if r.g.Pipeline() != g.Pipeline() || !r.finished() {
			continue
		}
		if _, err := w.b.Rows.Get(w.Context(), r.id); errors.Is(err, pipeline.ErrNotFound) {
			delete(w.m.rows, r.id)
			gone++
		} else {
			left++
		}
	}
	same(w.env, "rows gone", gone, n)
	same(w.env, "rows expired", n, min(limit, gone+left))
}

// reopenSome ends the process now and then, where that can be staged.
func (w *workload) reopenSome() {
	if w.h.Reopen == nil || w.IntN(2) == 0 {
		return
	}
	w.note("reopen")
	if w.h.Unclaimed { // that a lease was given back its process alone knew
		w.held = slices.DeleteFunc(w.held, func(l lease) bool { return w.back[l.token] })
	}
	w.reopen()
	w.m.reopen()
}
