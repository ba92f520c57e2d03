package aws

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"redrive/pipeline"
)

const (
	copyFor   = 5 * time.Second // one reading of the partition
	sweepLate = time.Minute     // after their time expired records are deleted by whoever reads them
	sweepMost = 10              // of them at once
)

// watchedCopy is what this process last read of the watched kinds, all of it in
// one query, at most age ago. What it wrote itself is in the copy at once.
// Callers who find it too old wait for one query together.
type watchedCopy struct {
	t   *table
	age time.Duration

	mu      sync.Mutex
	have    map[watchedID]pipeline.Record // never changed, only replaced; nil: none
	asOf    time.Time
	reading *reading // what is under way, if its answer is still wanted
}

type watchedID struct{ kind, id string }

// reading is one query under way.
type reading struct {
	began time.Time
	own   []pipeline.Record // written by this process meanwhile
	done  chan struct{}
	have  map[watchedID]pipeline.Record // after done
	err   error
}

func (c *watchedCopy) get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	have, err := c.read(ctx)
	if err != nil {
		return pipeline.Record{}, err
	}
	rec, ok := have[watchedID{kind, id}]
	if !ok || expired(rec, time.Now()) {
		return pipeline.Record{}, noRecord()
	}
	return owned(rec), nil
}

func (c *watchedCopy) list(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	var page pipeline.Page[pipeline.Record]
	have, err := c.read(ctx)
	if err != nil {
		return page, err
	}
	now := time.Now()
	for key, rec := range have {
		if key.kind == kind && (cursor == "" || key.id < cursor) && !expired(rec, now) {
			page.Items = append(page.Items, owned(rec))
		}
	}
	slices.SortFunc(page.Items, func(a, b pipeline.Record) int { return cmp.Compare(b.ID, a.ID) })
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = page.Items[limit-1].ID
	}
	return page, nil
}

// owned is a record whose data the caller may keep and change.
func owned(r pipeline.Record) pipeline.Record {
	r.Data = slices.Clone(r.Data)
	return r
}

// read returns a copy that is not too old. The query goes on when the caller
// who caused it has given up: others may be waiting.
func (c *watchedCopy) read(ctx context.Context) (map[watchedID]pipeline.Record, error) {
	c.mu.Lock()
	if c.have != nil && time.Since(c.asOf) < c.age {
		defer c.mu.Unlock()
		return c.have, nil
	}
	r := c.reading
	if r == nil {
		r = &reading{began: time.Now(), done: make(chan struct{})}
		c.reading = r
		go c.refresh(context.WithoutCancel(ctx), r)
	}
	c.mu.Unlock()
	select {
	case <-r.done:
		return r.have, r.err
	case <-ctx.Done():
		return nil, c.t.fail(ctx.Err(), "Query")
	}
}

func (c *watchedCopy) refresh(ctx context.Context, r *reading) {
	ctx, cancel := context.WithTimeout(ctx, copyFor)
	defer cancel()
	have, old, err := c.query(ctx)
	c.mu.Lock()
	for _, rec := range r.own {
		mix(have, rec)
	}
	r.have, r.err = have, err
	if c.reading == r {
		c.reading = nil
		if err == nil {
			c.have, c.asOf = have, r.began
		}
	}
	c.mu.Unlock()
	close(r.done)
	c.sweep(ctx, old)
}

// query reads the partition; old are records to be deleted.
func (c *watchedCopy) query(ctx context.Context) (have map[watchedID]pipeline.Record, old []item, err error) {
	have = map[watchedID]pipeline.Record{}
	late := time.Now().Add(-sweepLate)
	for it, err := range c.t.items(ctx, query{pk: watchedPK, strong: true}) {
		if err != nil {
			return have, nil, err
		}
		if it.over(late) && len(old) < sweepMost {
			old = append(old, it)
			continue
		}
		kind, _, _ := strings.Cut(it.str(attrSK), "#")
		rec, err := recordOf(kind, it)
		if err != nil {
			return have, nil, err
		}
		have[watchedID{kind, rec.ID}] = rec
	}
	return have, old, nil
}

// sweep deletes what expired: until DynamoDB does, each query would pay for it.
// It may fail; the next reading finds the rest.
func (c *watchedCopy) sweep(ctx context.Context, old []item) {
	for _, it := range old {
		pk, sk := it.key()
		if err := c.t.delete(ctx, pk, sk, hasToken(it.str(recToken))); err != nil && !refused(err) {
			return
		}
	}
}

// wrote puts what this process has written, a deletion if it has no data, into
// the copy and into what is being read.
func (c *watchedCopy) wrote(rec pipeline.Record) {
	rec.ExpiresAt = fromMillis(millis(rec.ExpiresAt))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading != nil {
		c.reading.own = append(c.reading.own, rec)
	}
	if c.have != nil {
		c.have = maps.Clone(c.have)
		mix(c.have, rec)
	}
}

// mix adds a record to a copy that may have a newer one.
func mix(have map[watchedID]pipeline.Record, rec pipeline.Record) {
	key := watchedID{rec.Kind, rec.ID}
	was, there := have[key]
	switch {
	case there && was.Version > rec.Version && !expired(was, time.Now()):
	case rec.Data == nil:
		delete(have, key)
	default:
		have[key] = owned(rec)
	}
}

// drop forgets the copy, and what is being read: somebody else has written
// since.
func (c *watchedCopy) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have, c.reading = nil, nil
}
