package aws

import (
	"cmp"
	"context"
	"iter"
	"strings"
	"sync"

	"redrive/pipeline"
)

// Dead letters are made of the cells of dead steps: an item for each in the
// partition of its step, so that they are listed without looking at rows. One
// that is missing is written when its message comes back, one that is left over
// goes when somebody tries to move it.

const letterStepsPK = "LP" // which steps ever had a letter

func letterPK(name, step string) string { return "L#" + name + "#" + step }

// letters reads dead letters.
type letters struct {
	s *Store

	mu    sync.Mutex
	known map[pipeline.StepKey]bool
	cache letterCache
}

func (s *Store) letterItem(r *row, step string, c cell) item {
	it := keyOf(letterPK(r.pipeline(), step), c.Dead.ID)
	it["row"], it["e"], it["gr"], it["ca"], it["k"] = str(r.id.text), str(c.Dead.Error), str(c.Dead.Group), str(c.Dead.Cause), str(c.Dead.Kind)
	it["n"], it["at"], it["ff"], it["da"] = num(int64(c.Dead.Code)), num(int64(c.Attempts)), num(c.Dead.Failed), num(c.Dead.At)
	it["p"], it["st"], it[attrLabel] = str(r.pipeline()), str(step), str(r.item.str(attrLabel))
	return it
}

func (l *letters) letter(it item) pipeline.DeadLetter {
	d := letterOf(it)
	d.In = l.s.names.dead(d.Pipeline, d.Step)
	return d
}

func letterOf(it item) pipeline.DeadLetter {
	return pipeline.DeadLetter{ID: it.str(attrSK), Row: it.str("row"), Pipeline: it.str("p"), Step: it.str("st"), Error: it.str("e"),
		StatusCode: int(it.num("n")), Group: it.str("gr"), Attempts: int(it.num("at")), Kind: pipeline.LetterKind(it.str("k")),
		FirstFailedAt: it.time("ff"), DeadAt: it.time("da"), Label: it.str(attrLabel)}
}

// bury lists the letter of a dead step and its row among the dead ones. By the
// time it is written the step may have been moved, or its row set aside: whoever
// did so found nothing to take off the lists, so it is taken off here.
func (s *Store) bury(ctx context.Context, r *row, step string) error {
	c := r.cells[step]
	if c.State != cellDead || c.Dead == nil || r.aside != nil {
		return nil
	}
	if err := s.letters.register(ctx, pipeline.StepKey{Pipeline: r.pipeline(), Step: step}); err != nil {
		return err
	}
	defer s.letters.stale()
	if err := s.table.writeMany(ctx, []write{{put: s.letterItem(r, step, c)}, {put: keyOf(deadPK(r.pipeline()), r.id.text)}}); err != nil {
		return err
	}
	return s.unlistMoved(ctx, r, step)
}

// unlistMoved takes a letter off the lists if its step is not dead of it any more.
func (s *Store) unlistMoved(ctx context.Context, was *row, step string) error {
	c := was.cells[step]
	if c.State != cellDead || c.Dead == nil {
		return nil
	}
	now, err := s.readRow(ctx, was.id.text)
	if err != nil || now == nil {
		return err
	}
	if have := now.cells[step]; now.aside == nil && have.State == cellDead && have.Dead != nil && have.Dead.ID == c.Dead.ID {
		return nil
	}
	return s.unlistLetter(ctx, now, step, c)
}

func (l *letters) register(ctx context.Context, key pipeline.StepKey) error {
	l.mu.Lock()
	known := l.known[key]
	l.mu.Unlock()
	if known {
		return nil
	}
	if err := l.s.table.put(ctx, keyOf(letterStepsPK, key.Pipeline+"#"+key.Step)); err != nil {
		return err
	}
	l.mu.Lock()
	l.known[key] = true
	l.mu.Unlock()
	return nil
}

// exhume takes a letter off the lists after its step was moved.
func (s *Store) exhume(ctx context.Context, before, after *row, step string) error {
	c := before.cells[step]
	if c.State != cellDead || c.Dead == nil {
		return nil
	}
	return s.unlistLetter(ctx, after, step, c)
}

func (s *Store) unlistLetter(ctx context.Context, after *row, step string, c cell) error {
	defer s.letters.stale()
	s.mirror.touch(after.pipeline(), step)
	if err := s.table.delete(ctx, letterPK(after.pipeline(), step), c.Dead.ID); err != nil || after.status() == pipeline.StatusDead {
		return err
	}
	if err := s.table.delete(ctx, deadPK(after.pipeline()), after.id.text); err != nil {
		return err
	}
	now, err := s.readRow(ctx, after.id.text)
	if err == nil && now != nil && now.status() == pipeline.StatusDead { // another of its steps has died just now
		err = s.table.put(ctx, keyOf(deadPK(after.pipeline()), after.id.text))
	}
	return err
}

// forgetLetter takes a letter off the list that its row no longer has.
func (s *Store) forgetLetter(ctx context.Context, r *row, m *pipeline.Move) error {
	if m.Letter == "" {
		return nil
	}
	if c := r.cells[m.Step]; r.aside == nil && c.Dead != nil && c.Dead.ID == m.Letter {
		return nil
	}
	return s.table.delete(ctx, letterPK(r.pipeline(), m.Step), m.Letter)
}

// steps are those a filter may find letters of.
func (l *letters) steps(ctx context.Context, name, step string) ([]pipeline.StepKey, error) {
	if name != "" && step != "" {
		return []pipeline.StepKey{{Pipeline: name, Step: step}}, nil
	}
	var keys []pipeline.StepKey
	for it, err := range l.s.table.items(ctx, query{pk: letterStepsPK, strong: true}) {
		if err != nil {
			return nil, err
		}
		p, s, _ := strings.Cut(it.str(attrSK), "#")
		if (name == "" || p == name) && (step == "" || s == step) {
			keys = append(keys, pipeline.StepKey{Pipeline: p, Step: s})
		}
	}
	return keys, nil
}

const lettersLooked = 5_000 // letters one call looks at

// walk reads the letters of a filter's steps in order, matching or not.
func (l *letters) walk(ctx context.Context, f pipeline.LetterFilter) (iter.Seq2[item, error], error) {
	keys, err := l.steps(ctx, f.Pipeline, f.Step)
	if err != nil || len(keys) == 0 {
		return func(func(item, error) bool) {}, err
	}
	lists := make([]iter.Seq2[item, error], len(keys))
	for i, key := range keys {
		q := query{pk: letterPK(key.Pipeline, key.Step), descending: !f.Oldest, strong: true, to: f.UpTo, after: f.Cursor}
		if f.Cursor != "" && f.UpTo != "" && !f.Oldest && f.Cursor > f.UpTo {
			q.after = ""
		}
		if f.Limit > 0 && f.Query == "" && f.Group == "" && f.IDs == nil {
			q.limit = int32(min(f.Limit+1, 500))
		}
		lists[i] = l.s.table.items(ctx, q)
	}
	return merge(!f.Oldest, lists...), nil
}

// matcher looks into letters.
type matcher struct {
	f     pipeline.LetterFilter
	ids   map[string]bool
	query string
}

func newMatcher(f pipeline.LetterFilter) matcher {
	m := matcher{f: f, query: strings.ToLower(f.Query)}
	if f.IDs != nil {
		m.ids = make(map[string]bool, len(f.IDs))
		for _, id := range f.IDs {
			m.ids[id] = true
		}
	}
	return m
}

func (m matcher) takes(it item) bool {
	if m.ids != nil && !m.ids[it.str(attrSK)] || m.f.Group != "" && it.str("gr") != m.f.Group {
		return false
	}
	if m.query == "" {
		return true
	}
	for _, attr := range []string{"e", "row", attrLabel} {
		if strings.Contains(strings.ToLower(it.str(attr)), m.query) {
			return true
		}
	}
	return false
}

// List returns letters in the order of their deaths.
func (l *letters) List(ctx context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], error) {
	var page pipeline.Page[pipeline.DeadLetter]
	if f.Cursor != "" {
		if _, ok := parseID(f.Cursor); !ok {
			return page, badCursor()
		}
	}
	f.Limit = limitOf(f.Limit)
	m := newMatcher(f)
	list, err := l.walk(ctx, f)
	if err != nil {
		return page, err
	}
	looked, last := 0, ""
	for it, err := range list {
		if err != nil {
			return page, err
		}
		takes := m.takes(it)
		if takes && len(page.Items) == f.Limit || looked == lettersLooked {
			page.Next = last
			break
		}
		if takes {
			page.Items = append(page.Items, l.letter(it))
		}
		looked++
		last = it.str(attrSK)
	}
	if f.Query != "" {
		page.Scanned = looked
	}
	return page, nil
}

func limitOf(n int) int { return min(max(cmp.Or(n, 50), 1), 500) }

// Count tells how many letters a filter selects. Where only a step or pipeline
// is asked for, the counters know.
func (l *letters) Count(ctx context.Context, f pipeline.LetterFilter) (int64, error) {
	if f.IDs == nil && f.Group == "" && f.Query == "" && f.UpTo == "" {
		c, err := l.s.counts.Counts(ctx)
		var n int64
		for key, s := range c.Steps {
			if (f.Pipeline == "" || key.Pipeline == f.Pipeline) && (f.Step == "" || key.Step == f.Step) {
				n += s.Dead
			}
		}
		return n, err
	}
	f.Cursor, f.Limit, f.Oldest = "", 0, true
	m := newMatcher(f)
	list, err := l.walk(ctx, f)
	if err != nil {
		return 0, err
	}
	var n int64
	for it, err := range list {
		if err != nil {
			return n, err
		}
		if m.takes(it) {
			n++
		}
	}
	return n, nil
}
