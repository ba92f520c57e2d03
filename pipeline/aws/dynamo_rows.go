package aws

import (
	"context"
	"time"

	"redrive/pipeline"
)

// read returns the two items of a row in one query, nil for a row that does not
// exist.
func (s *Store) read(ctx context.Context, id rowID) (flags, payload item, err error) {
	for it, err := range s.table.items(ctx, query{pk: id.pk(), from: id.text, to: id.payload(), strong: true}) {
		if err != nil {
			return nil, nil, err
		}
		if it.str(attrSK) == id.text {
			flags = it
		} else {
			payload = it
		}
	}
	return flags, payload, nil
}

// readRow is read for the flags alone, nil for a row that does not exist.
func (s *Store) readRow(ctx context.Context, text string) (*row, error) {
	id, ok := parseID(text)
	if !ok {
		return nil, nil
	}
	it, err := s.table.get(ctx, id.pk(), id.text, true)
	if err != nil || it == nil {
		return nil, err
	}
	r, err := s.row(ctx, it)
	if err != nil || r.expired(time.Now()) {
		return nil, err
	}
	return r, nil
}

// Get returns a row with everything kept of it.
func (rs rows) Get(ctx context.Context, text string) (pipeline.RowDetail, error) {
	id, ok := parseID(text)
	if !ok {
		return pipeline.RowDetail{}, noRow()
	}
	flags, payload, err := rs.s.read(ctx, id)
	if err != nil {
		return pipeline.RowDetail{}, err
	}
	if flags == nil {
		return pipeline.RowDetail{}, noRow()
	}
	r, err := rs.s.row(ctx, flags)
	if err != nil {
		return pipeline.RowDetail{}, err
	}
	if r.expired(time.Now()) {
		return pipeline.RowDetail{}, noRow()
	}
	d := pipeline.RowDetail{Row: rs.s.leases.over(r, time.Now()).public(), Key: payload.str(attrKey), Trace: payload.str(attrTrace)}
	if d.Payload, err = payload.body(); err != nil {
		return pipeline.RowDetail{}, err
	}
	d.Attempts, d.Results, err = rs.s.recall(ctx, r)
	return d, err
}

// The lists of rows that are dead, rejected or set aside: an item for each, so
// that they are found among millions that are not. The row itself decides
// whether it still is: an entry that is out of date is passed over.
func deadPK(name string) string     { return "E#" + name }
func rejectedPK(name string) string { return "J#" + name }
func asidePK(name string) string    { return "D#" + name }
