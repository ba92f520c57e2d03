package aws

import (
	"context"
	"maps"
	"math"

	"redrive/pipeline"
)

func (p *recordPut) write(ctx context.Context) error {
	for i, rec := range p.list {
		var err error
		switch pk, sk := p.items[i].key(); {
		case rec.Version != pipeline.AnyVersion:
			err = p.replace(ctx, i)
		case rec.Data == nil:
			p.list[i].Version = math.MaxInt64
			err = p.t.delete(ctx, pk, sk)
		default:
			err = p.overwrite(ctx, i)
		}
		if refused(err) {
			if err := p.putBack(ctx, i); err != nil {
				return err
			}
			return pipeline.ErrVersion
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replace writes a record over the version it names. A deletion empties the
// item first: that write can be told from another's, the absence of an item
// could not.
func (p *recordPut) replace(ctx context.Context, i int) error {
	rec := &p.list[i]
	pk, sk := p.items[i].key()
	if err := p.t.put(ctx, p.items[i], p.unchanged(*rec)); err != nil {
		if !refused(err) {
			return err
		}
		now, getErr := p.t.get(ctx, pk, sk, true)
		if getErr != nil {
			return getErr
		}
		if now.str(recToken) != p.token {
			return err
		}
	}
	if rec.Data == nil {
		_ = p.t.delete(ctx, pk, sk, hasToken(p.token)) // else DynamoDB does it
	}
	rec.Version++
	return nil
}

// unchanged is the condition that a record still has the version it names.
func (p *recordPut) unchanged(rec pipeline.Record) condition {
	c := condition{names: map[string]string{"#exp": recUntil}, values: item{":now": at(p.now)}}
	if rec.Version == 0 {
		c.expr = "attribute_not_exists(" + attrPK + ") OR #exp <= :now"
		return c
	}
	c.expr = "#version = :version AND (attribute_not_exists(#exp) OR #exp > :now)"
	c.names["#version"], c.values[":version"] = recVersion, num(rec.Version)
	return c
}

func hasToken(token string) condition {
	return condition{expr: "#token = :token", names: map[string]string{"#token": recToken}, values: item{":token": str(token)}}
}

// overwrite writes a record whatever its version, and notes the one it got.
func (p *recordPut) overwrite(ctx context.Context, i int) error {
	it := p.items[i]
	c := condition{
		names:  map[string]string{"#version": recVersion, "#data": recData, "#token": recToken, "#exp": recUntil, "#ttl": attrTTL},
		values: item{":zero": num(0), ":one": num(1), ":data": it[recData], ":token": it[recToken]},
	}
	expr := "SET #version = if_not_exists(#version, :zero) + :one, #data = :data, #token = :token"
	if it.has(recUntil) {
		expr += ", #exp = :exp, #ttl = :ttl"
		c.values[":exp"], c.values[":ttl"] = it[recUntil], it[attrTTL]
	} else {
		expr += " REMOVE #exp, #ttl"
	}
	pk, sk := it.key()
	now, err := p.t.update(ctx, pk, sk, expr, c)
	p.list[i].Version = now.num(recVersion)
	return err
}

// putBack undoes the first n records, which were written before another was
// refused. What was there before gets a version nobody has seen: between the
// two writes somebody may have read the one that is undone.
func (p *recordPut) putBack(ctx context.Context, n int) error {
	for i := n - 1; i >= 0; i-- {
		still := hasToken(p.token)
		if p.list[i].Data == nil {
			still.expr += " OR " + isNew().expr
		}
		pk, sk := p.items[i].key()
		var err error
		if was := p.was(i); was == nil {
			err = p.t.delete(ctx, pk, sk, still)
		} else {
			was = maps.Clone(was)
			was[recVersion], was[recToken] = num(p.list[i].Version+1), str(pipeline.NewID())
			err = p.t.put(ctx, was, still)
		}
		if err != nil && !refused(err) { // refused: somebody has written over it, and that stands
			return err
		}
	}
	return nil
}
