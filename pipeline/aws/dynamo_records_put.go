package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"redrive/pipeline"
)

// putFor is how long a Put that has begun to write goes on, also when its
// caller has given up: half of it would be worse than late.
const putFor = 5 * time.Second

// What an entry says whose effect did not come about.
const (
	undoneByOther   = "nothing was done: somebody else made a change at the same moment"
	undoneByFailure = "perhaps nothing was done: the store did not answer"
	undoneByChange  = "nothing was done: it changed meanwhile"
	undoneInPart    = "only a part was done: then the store did not answer"
)

// Put writes records and the entry together or not at all, without a
// transaction, which costs double:
//
//  1. All versions are read. If one is not as it was named, that is the end.
//  2. The entry is written without a result, so that nothing is ever done
//     without one.
//  3. The records are written one by one, each on the condition that it is still
//     as it was read: those that replace one first, then new ones in their
//     order, those that overwrite whatever is there last.
//  4. If one is refused all the same, in a race of milliseconds, those before it
//     are put back and the entry says that nothing was done.
//  5. The entry gets its result.
//
// A crash between two writes leaves the beginning. Callers order their records
// so that this is harmless: a breaker's or an alarm's new state without the line
// of its history, a slot of the schedule taken without its sweep, which is made
// up for by the next. An entry may be left without a result.
//
// Each Put has a token of its own, which the items keep: a write whose answer
// was lost is recognised when the repeat is refused.
func (r *records) Put(ctx context.Context, entry *pipeline.Entry, list ...pipeline.Record) error {
	p := &recordPut{t: r.t, token: pipeline.NewID(), list: inOrder(list), now: time.Now()}
	if err := p.prepare(); err != nil {
		return err
	}
	err := p.check(ctx, entry != nil)
	if err == nil {
		err = r.write(ctx, entry, p)
	}
	if !slices.ContainsFunc(list, func(rec pipeline.Record) bool { return watched(rec.Kind) }) {
		return err
	}
	if err != nil {
		r.copy.drop()
		return err
	}
	for _, rec := range p.list {
		if watched(rec.Kind) {
			r.copy.wrote(rec)
		}
	}
	return nil
}

func (r *records) write(ctx context.Context, entry *pipeline.Entry, p *recordPut) error {
	announced, err := r.audit.announce(ctx, entry)
	if err != nil {
		return err
	}
	if entry != nil || len(p.list) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), putFor)
		defer cancel()
	}
	err = p.write(ctx)
	switch {
	case errors.Is(err, pipeline.ErrVersion):
		r.audit.seal(ctx, announced, undoneByOther)
	case err != nil:
		r.audit.seal(ctx, announced, undoneByFailure)
	case entry != nil:
		r.audit.seal(ctx, announced, entry.Result)
	}
	return err
}

// inOrder sorts records by how likely they are to be refused.
func inOrder(list []pipeline.Record) []pipeline.Record {
	rank := func(r pipeline.Record) int {
		switch r.Version {
		case pipeline.AnyVersion:
			return 2
		case 0:
			return 1
		}
		return 0
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b pipeline.Record) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// recordPut is one Put under way. The versions in its list become those written.
type recordPut struct {
	t     *table
	token string
	list  []pipeline.Record
	now   time.Time
	items []item             // as they are to be written, in the order of list
	found map[[2]string]item // what check read, by key
}

// prepare refuses what no item can keep before anything is written.
func (p *recordPut) prepare() error {
	for _, rec := range p.list {
		if len(rec.Kind) > longestKey || len(rec.ID) > longestKey {
			return &pipeline.Error{Code: pipeline.CodeTooLarge, Text: "the name of a record is too long"}
		}
		it, err := p.item(rec)
		if err != nil {
			return err
		}
		p.items = append(p.items, it)
	}
	return nil
}

// item is a record as it is written over the version it names. One that is
// deleted is empty and has expired.
func (p *recordPut) item(rec pipeline.Record) (item, error) {
	it := keyOf(recordKey(rec.Kind, rec.ID))
	it[recVersion], it[recToken] = num(rec.Version+1), str(p.token)
	until := rec.ExpiresAt
	if rec.Data == nil {
		until = p.now
	} else {
		data, err := packed(rec.Data)
		if err != nil {
			return nil, err
		}
		it[recData] = data
	}
	if !until.IsZero() {
		it[recUntil], it[attrTTL] = at(until), expiry(until)
	}
	return it, nil
}

// check reads all versions that are named and compares. With one record and no
// entry the condition of the write is enough.
func (p *recordPut) check(ctx context.Context, entry bool) error {
	var keys []item
	for i, rec := range p.list {
		if rec.Version != pipeline.AnyVersion && (entry || len(p.list) > 1) {
			keys = append(keys, keyOf(p.items[i].key()))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	items, err := p.t.getMany(ctx, keys, true)
	if err != nil {
		return err
	}
	p.found = make(map[[2]string]item, len(items))
	for _, it := range items {
		pk, sk := it.key()
		p.found[[2]string{pk, sk}] = it
	}
	for i, rec := range p.list {
		if rec.Version != pipeline.AnyVersion && p.was(i).num(recVersion) != rec.Version {
			return pipeline.ErrVersion
		}
	}
	return nil
}

// was is what check found of a record, nil if it is not there.
func (p *recordPut) was(i int) item {
	pk, sk := p.items[i].key()
	if it := p.found[[2]string{pk, sk}]; !it.over(p.now) {
		return it
	}
	return nil
}

func (i item) key() (pk, sk string) { return i.str(attrPK), i.str(attrSK) }
