package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"redrive/pipeline"
)

// errMoved: the flags are no longer what the writer saw. Nothing was written.
var errMoved = errors.New("the flags changed meanwhile")

// change is one conditional write on a row's flags.
type change struct {
	token string            // makes the write recognisable as one's own
	set   map[string]cell   // by step; an empty State takes the cell away
	was   map[string]string // as each was seen, empty for a cell that is not written down
	claim map[string]int64  // until when a claim holds; 0 ends it
	none  []string          // steps that must not be written down yet

	insists  bool   // its caller makes it again until it is answered
	total    string // counter of the step that goes up with it
	inPlace  bool   // only while the row is not set aside
	setAside *aside // set it aside
	takeBack string // take it back, if it was set aside like this
}

// expression collects the parts of an update.
type expression struct {
	sets, removes, conditions []string
	names                     map[string]string
	values                    item
}

func (e *expression) name(attr string) string {
	for ref, known := range e.names {
		if known == attr {
			return ref
		}
	}
	ref := fmt.Sprintf("#n%d", len(e.names))
	e.names[ref] = attr
	return ref
}

func (e *expression) value(text string) string {
	ref := fmt.Sprintf(":v%d", len(e.values))
	e.values[ref] = str(text)
	return ref
}

func (e *expression) number(n int64) string {
	ref := fmt.Sprintf(":v%d", len(e.values))
	e.values[ref] = num(n)
	return ref
}

func (ch *change) expression(now time.Time) (update string, c condition) {
	e := &expression{names: map[string]string{}, values: item{}}
	e.conditions = append(e.conditions, "attribute_exists("+attrPK+")")
	e.sets = append(e.sets, e.name(attrUpdated)+" = "+e.number(now.UnixMilli()))
	for _, step := range sortedKeys(ch.set) {
		cell, ref := ch.set[step], e.name(cellPrefix+step)
		if cell.State == "" {
			e.removes = append(e.removes, ref)
		} else {
			e.sets = append(e.sets, ref+" = "+e.value(cell.encode()))
		}
		if was := ch.was[step]; was == "" {
			e.conditions = append(e.conditions, "attribute_not_exists("+ref+")")
		} else {
			e.conditions = append(e.conditions, ref+" = "+e.value(was))
		}
	}
	for _, step := range ch.none {
		e.conditions = append(e.conditions, "attribute_not_exists("+e.name(cellPrefix+step)+")")
	}
	for _, step := range sortedKeys(ch.claim) {
		if until := ch.claim[step]; until != 0 {
			e.sets = append(e.sets, e.name(claimPrefix+step)+" = "+e.number(until))
		} else {
			e.removes = append(e.removes, e.name(claimPrefix+step))
		}
	}
	ch.asideExpression(e)
	update = "SET " + strings.Join(e.sets, ", ")
	if len(e.removes) > 0 {
		update += " REMOVE " + strings.Join(e.removes, ", ")
	}
	return update, condition{expr: strings.Join(e.conditions, " AND "), names: e.names, values: e.values}
}

func (ch *change) asideExpression(e *expression) {
	switch {
	case ch.setAside != nil:
		ref := e.name(attrAside)
		e.sets = append(e.sets, ref+" = "+e.value(ch.setAside.encode()))
		e.conditions = append(e.conditions, "attribute_not_exists("+ref+")")
	case ch.takeBack != "":
		ref := e.name(attrAside)
		e.removes = append(e.removes, ref)
		e.conditions = append(e.conditions, ref+" = "+e.value(ch.takeBack))
	case ch.inPlace:
		e.conditions = append(e.conditions, "attribute_not_exists("+e.name(attrAside)+")")
	}
}

func (a *aside) encode() string {
	b, _ := json.Marshal(a) //nolint:errchkjson // plain values
	return string(b)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// write makes a change and answers the row after it, or errMoved. A change that
// was made before, by a request whose answer got lost, is answered like the
// first time. The counters follow, once; where nobody knows any more what the
// change was made on, they are counted again.
func (s *Store) write(ctx context.Context, id rowID, ch *change) (*row, error) {
	if err := s.counts.enlist(ctx); err != nil {
		return nil, err
	}
	defer s.counts.doubts.begin()()
	key, now, tries := ch.key(), time.Now(), 0
	update, c := ch.expression(now)
	it, err := s.table.update(countTries(ctx, &tries), id.pk(), id.text, update, c)
	asked := refused(err)
	if asked {
		if tries == 1 && !s.unsure.has(key) {
			return nil, errMoved // this process never wrote it
		}
		it, err = s.table.get(ctx, id.pk(), id.text, true)
	}
	var after *row
	if err == nil && it != nil {
		after, err = s.row(ctx, it)
	}
	if err != nil {
		s.unsure.first(key)
		s.counts.doubts.unknown(key, ch.insists)
		return nil, err
	}
	if after == nil || !ch.made(after) {
		s.counts.doubts.known(key, false) // it may have been made, and changed since
		return nil, errMoved
	}
	if after.status() != pipeline.StatusAccepted {
		s.leases.tried(id.text, after.graph.Nodes())
	}
	if s.once.first(key) {
		s.count(ch, after)
	}
	s.counts.doubts.known(key, !asked || it.num(attrUpdated) == now.UnixMilli())
	return after, nil
}

// count adds a change to the counters.
func (s *Store) count(ch *change, after *row) {
	s.counts.moved(ch.before(after), after)
	for step := range ch.set {
		if ch.total != "" {
			s.counts.add(after.pipeline(), stepCounter(step, ch.total), 1)
		}
	}
}

// made tells whether the row carries this change.
func (ch *change) made(r *row) bool {
	for step, c := range ch.set {
		have := r.cells[step]
		if have.State != c.State || have.Token != c.Token || have.Attempts != c.Attempts || have.Gen != c.Gen {
			return false
		}
	}
	switch {
	case ch.setAside != nil:
		return r.aside != nil && *r.aside == *ch.setAside
	case ch.takeBack != "":
		return r.aside == nil
	}
	return true
}

func (ch *change) key() string {
	key := ch.token
	for _, step := range sortedKeys(ch.set) {
		key += "/" + step + ch.set[step].State
	}
	return key
}

// before is the row as it was when the change was made.
func (ch *change) before(after *row) *row {
	was := map[string]cell{}
	for step := range ch.set {
		c, _ := parseCell(ch.was[step])
		was[step] = c
	}
	r := after.with(was)
	switch {
	case ch.setAside != nil:
		r.aside = nil
	case ch.takeBack != "":
		r.aside = &aside{}
	}
	return r
}

// once remembers the newest changes this process has counted, so that one that
// is repeated is not counted again.
type once struct {
	mu    sync.Mutex
	seen  map[string]bool
	order []string
}

const onceMost = 20_000

func newOnce() *once { return &once{seen: map[string]bool{}} }

func (o *once) has(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[key]
}

func (o *once) first(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[key] {
		return false
	}
	o.seen[key] = true
	o.order = append(o.order, key)
	if len(o.order) > onceMost {
		delete(o.seen, o.order[0])
		o.order = o.order[1:]
	}
	return true
}
