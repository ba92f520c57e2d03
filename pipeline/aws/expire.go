package aws

import (
	"context"
	"sync"
	"time"
)

// Rows go by DynamoDB's time to live, which costs nothing: it is set when a row
// is stored, to a day past its retention. From the end of the retention on a
// finished row is shown no more. Expire keeps the books: once a whole hour is
// past the retention it takes that hour's finished rows out of the counters, in
// one go. What is not finished by then has lost its time to live before, and is
// deleted one by one when it is.

const (
	attrExpired   = "exp"     // of a partition: its rows with a time to live are out of the books
	preserveAhead = time.Hour // how long before its retention ends an unfinished row loses its time to live
	expireAgain   = time.Hour // how soon a partition with rows that stay is looked at again
)

// expiry keeps what Expire has to remember between calls.
type expiries struct {
	mu     sync.Mutex
	looked map[partition]time.Time
}

func (x *expiries) lately(p partition, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return now.Sub(x.looked[p]) < expireAgain
}

func (x *expiries) note(p partition, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.looked == nil {
		x.looked = map[partition]time.Time{}
	}
	x.looked[p] = now
}

// Expire takes finished rows accepted before then out of the store, whole hours
// only, oldest first.
func (rs rows) Expire(ctx context.Context, name string, before time.Time, limit int) (int, error) {
	ctx = spend(ctx, purposeSweep)
	if err := rs.preserve(ctx, name); err != nil {
		return 0, err
	}
	entries, err := rs.s.partitions.entries(ctx, name, 0, before.UnixMilli()/hourMillis)
	if err != nil {
		return 0, err
	}
	n, now := 0, time.Now()
	for _, hour := range hours(entries, false) {
		for _, e := range hour {
			if n >= limit || e.end().After(before) {
				return n, nil
			}
			if rs.s.expiries.lately(e.partition, now) {
				continue
			}
			done, err := rs.expireHour(ctx, e, limit-n)
			if n += done; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// expireHour goes through one partition.
func (rs rows) expireHour(ctx context.Context, e entry, limit int) (int, error) {
	now := time.Now()
	book := map[string]int64{}
	gone, stay, late := 0, 0, 0 // late: finished since, and more than are asked for
	var over []*row
	for flags, err := range rs.s.table.items(ctx, query{pk: e.pk(), strong: true}) {
		if err != nil {
			return 0, err
		}
		if _, ok := parseID(flags.str(attrSK)); !ok {
			continue // a payload
		}
		r, err := rs.s.row(ctx, flags)
		switch {
		case err != nil:
			return 0, err
		case r.expired(now):
			standing(r, -1, book)
			gone++
		case r.finished() && len(over) < limit:
			over = append(over, r)
		case r.finished():
			stay++
			late++
		default:
			stay++
		}
	}
	n, err := rs.expireRows(ctx, over)
	if err != nil {
		return n, err
	}
	if stay == 0 && e.end().Before(now) {
		return n, rs.strike(ctx, e, true, book)
	}
	if gone > 0 {
		if late == 0 {
			rs.s.expiries.note(e.partition, now)
		}
		return n, rs.strike(ctx, e, false, book)
	}
	return n, nil
}

// strike takes the rows that go by themselves out of the counters, once: whoever
// changes the register's entry does it.
func (rs rows) strike(ctx context.Context, e entry, whole bool, book map[string]int64) error {
	c := condition{expr: "attribute_not_exists(#exp)", names: map[string]string{"#exp": attrExpired}}
	var err error
	if whole {
		var it item
		if it, err = rs.s.table.get(ctx, registerPK(e.pipeline), e.sk(), true); err != nil || it == nil {
			return err
		}
		if it.has(attrExpired) {
			c.expr, book = "attribute_exists(#exp)", nil
		}
		rs.s.partitions.forget(e)
		err = rs.s.table.delete(ctx, registerPK(e.pipeline), e.sk(), c)
	} else {
		c.values = item{":one": num(1)}
		_, err = rs.s.table.update(ctx, registerPK(e.pipeline), e.sk(), "SET #exp = :one", c)
	}
	if refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for counter, d := range book {
		rs.s.counts.add(e.pipeline, counter, d)
	}
	return nil
}

// expireRows deletes rows that DynamoDB would keep, with all that belongs to
// them.
func (rs rows) expireRows(ctx context.Context, over []*row) (int, error) {
	errs := make([]error, len(over))
	done := make([]bool, len(over))
	allAtOnce(len(over), func(i int) { done[i], errs[i] = rs.expireRow(ctx, over[i]) })
	n := 0
	for i := range over {
		if done[i] {
			n++
		}
		if errs[i] != nil {
			return n, errs[i]
		}
	}
	return n, nil
}

// expireRow deletes the flags first, if they are still what was seen: whoever
// does so counts. The rest follows; what a crash leaves goes with its time to
// live.
func (rs rows) expireRow(ctx context.Context, r *row) (bool, error) {
	payload, err := rs.s.table.get(ctx, r.id.pk(), r.id.payload(), false)
	if err != nil {
		return false, err
	}
	same := condition{expr: "#u = :u", names: map[string]string{"#u": attrUpdated}, values: item{":u": num(r.item.num(attrUpdated))}}
	err = rs.s.table.delete(ctx, r.id.pk(), r.id.text, same)
	if refused(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	rs.s.counts.moved(r, nil)
	keys := []write{{delete: keyOf(r.id.pk(), r.id.payload())}, {delete: keyOf(asidePK(r.pipeline()), r.id.text)}, {delete: keyOf(rejectedPK(r.pipeline()), r.id.text)}}
	if key := payload.str(attrKey); key != "" {
		keys = append(keys, write{delete: keyOf(keyPK(r.pipeline(), key), "k")})
	}
	for it, err := range rs.s.table.items(ctx, query{pk: r.id.history(), project: attrPK + ", " + attrSK}) {
		if err != nil {
			return true, err
		}
		keys = append(keys, write{delete: keyOf(it.str(attrPK), it.str(attrSK))})
	}
	return true, rs.s.table.writeMany(ctx, keys)
}

// preserve takes the time to live from rows that will not be finished when it
// ends: dead ones, and those that are still worked on.
func (rs rows) preserve(ctx context.Context, name string) error {
	bound := time.Now().Add(preserveAhead - rs.s.retention(name))
	if bound.UnixMilli() <= 0 {
		return nil
	}
	to := firstID(bound.UnixMilli())
	keep := func(r *row) error {
		if !r.item.has(attrTTL) || r.finished() {
			return nil
		}
		for _, sk := range []string{r.id.payload(), r.id.text} { // the flags last: they say that it is done
			c := condition{expr: "attribute_exists(" + attrPK + ")", names: map[string]string{"#ttl": attrTTL}}
			if _, err := rs.s.table.update(ctx, r.id.pk(), sk, "REMOVE #ttl", c); err != nil && !refused(err) {
				return err
			}
		}
		return nil
	}
	var failed error
	if _, err := rs.deadBelow(ctx, name, "", to, func(r *row) bool { failed = keep(r); return failed == nil }); err != nil || failed != nil {
		return errorsFirst(failed, err)
	}
	low := rs.s.floor.low(name)
	if low >= to {
		return nil
	}
	for r, err := range rs.s.walk(ctx, span{pipelines: []string{name}, from: low, to: to, strong: true}) {
		if err != nil {
			return err
		}
		if err := keep(r.row); err != nil {
			return err
		}
	}
	return nil
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
