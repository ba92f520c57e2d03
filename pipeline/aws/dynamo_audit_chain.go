package aws

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"redrive/pipeline"
)

// auditChain is the chain of this process. Processes write without agreeing on
// anything, so each has its own; within one, entries are written one after the
// other. Where nobody knows whether an entry was written, the chain ends and the
// next entry begins another: a gap would look like a deletion.
type auditChain struct {
	turn chan struct{} // holds the right to write

	mu    sync.Mutex
	last  pipeline.Link
	ended []pipeline.Link // chains that were given up
}

func newAuditChain() *auditChain { return &auditChain{turn: make(chan struct{}, 1)} }

// mine waits until nobody else of this process writes.
func (c *auditChain) mine(ctx context.Context) (done func(), err error) {
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end is what the next entry follows. The caller has the turn.
func (c *auditChain) end() pipeline.Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Chain == "" {
		c.last = pipeline.Link{Chain: pipeline.NewID()}
	}
	return c.last
}

func (c *auditChain) wrote(l pipeline.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = l
}

// sealed makes the next entry vouch for the result of the last one too.
func (c *auditChain) sealed(l pipeline.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Chain == l.Chain && c.last.Number == l.Number {
		c.last = l
	}
}

func (c *auditChain) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Number > 0 {
		c.ended = append(c.ended, c.last)
	}
	c.last = pipeline.Link{}
}

func (c *auditChain) heads() []pipeline.Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	heads := slices.Clone(c.ended)
	if c.last.Number > 0 {
		heads = append(heads, c.last)
	}
	return heads
}

// Heads answers the end of each chain that this process wrote.
func (a *auditLog) Heads(context.Context) ([]pipeline.Link, error) { return a.chain.heads(), nil }

// Walk goes through all chains at once, by the times of their entries.
func (a *auditLog) Walk(ctx context.Context, since time.Time) iter.Seq2[pipeline.Entry, error] {
	return func(yield func(pipeline.Entry, error) bool) {
		q := query{pk: auditPK, strong: true, limit: auditAsk}
		if !since.IsZero() {
			q.from = auditTime(since)
		}
		for it, err := range a.t.items(ctx, q) {
			var e pipeline.Entry
			if err == nil {
				e, err = entryOf(it)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// announced is an entry that is in the store; its result may be missing.
type announced struct {
	key  string
	link pipeline.Link
}

// announce writes an entry without its result, before its effect, so that
// nothing is ever done without one. It is for seal to say what came of it. Of a
// caller who tries again the entry is there; if it says that nothing was done,
// the new try is an entry of its own.
func (a *auditLog) announce(ctx context.Context, entry *pipeline.Entry) (*announced, error) {
	if entry == nil {
		return nil, nil
	}
	e := *entry
	e.Result = ""
	for {
		it, err := a.add(ctx, &e)
		if err != nil {
			return nil, err
		}
		if had := it.str(auditResult); had == "" || had == entry.Result {
			return &announced{key: it.str(attrSK), link: linkOf(it)}, nil
		}
		e.ID = pipeline.NewID()
	}
}

// add writes an entry as the next of the chain and answers it as it is in the
// store: if its id was there already, that one. What was begun is not cut off.
func (a *auditLog) add(ctx context.Context, e *pipeline.Entry) (item, error) {
	done, err := a.chain.mine(ctx)
	if err != nil {
		return nil, a.t.fail(err, "PutItem")
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendFor)
	defer cancel()
	next := *e
	next.Follow(a.chain.end())
	it, err := entryItem(&next)
	if err != nil {
		return nil, err
	}
	if err = a.t.put(ctx, it, isNew()); err == nil {
		a.chain.wrote(next.Link)
		return it, nil
	}
	if refused(err) {
		_, sk := it.key()
		had, getErr := a.t.get(ctx, auditPK, sk, true)
		switch {
		case getErr == nil && had.str(auditHash) == next.Link.Hash: // it is this one: the answer to an earlier request was lost
			a.chain.wrote(next.Link)
			return had, nil
		case getErr == nil && had != nil:
			return had, nil
		}
		err = errors.Join(getErr, &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the entry of the audit log could not be written", Err: err})
	}
	a.chain.giveUp()
	return nil, err
}

// seal writes down once what came of an announced entry. It is tried for a short
// while and fails in silence: the effect is answered, and an entry without a
// result says that it is not known.
func (a *auditLog) seal(ctx context.Context, n *announced, result string) {
	if n == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), amendFor)
	defer cancel()
	l := n.link
	l.Seal = l.SealWith(result)
	_, err := a.t.update(ctx, auditPK, n.key, "SET #result = :result, "+auditSeal+" = :seal", condition{
		expr:  "attribute_exists(" + attrPK + ") AND attribute_not_exists(#result)",
		names: map[string]string{"#result": auditResult}, values: item{":result": str(result), ":seal": str(l.Seal)}})
	if err == nil {
		a.chain.sealed(l)
	}
}
