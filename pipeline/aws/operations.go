package aws

import (
	"context"
	"time"

	"redrive/pipeline"
)

// What an operation moved is an item for each step, or row, in the operation's
// partition, with what became of it. It is written before the move and again
// with the outcome; each of it may be repeated.
const (
	attrMoved   = "m"
	movedOut    = "m" // its outcome is not known
	movedDone   = "s"
	movedFailed = "f"
	movedAside  = "d" // a row that was set aside
	movedBack   = "b" // and taken back

	keepOperations = 91 * 24 * time.Hour
)

func operationPK(operation string) string { return "M#" + operation }

func (s *Store) moved(ctx context.Context, operation, sk, what string, conditions ...condition) error {
	if operation == "" {
		return nil
	}
	it := keyOf(operationPK(operation), sk)
	it[attrMoved], it[attrTTL] = str(what), expiry(time.Now().Add(keepOperations))
	return s.table.put(ctx, it, conditions...)
}

// operate notes that an operation is about to move a step; unoperate takes it
// back when the move could not be made. Neither touches an outcome: another
// process of the same operation may have made the move, and it may be over.
func (s *Store) operate(ctx context.Context, operation, row, step string) error {
	c := condition{expr: "attribute_not_exists(" + attrPK + ") OR #m = :m", names: map[string]string{"#m": attrMoved}, values: item{":m": str(movedOut)}}
	if err := s.moved(ctx, operation, row+"/"+step, movedOut, c); !refused(err) {
		return err
	}
	return nil
}

func (s *Store) unoperate(ctx context.Context, operation, row, step string) error {
	if operation == "" {
		return nil
	}
	r, err := s.readRow(ctx, row)
	if err != nil || r != nil && r.cells[step].Op == operation {
		return err // a move of the same operation at the same moment has won
	}
	c := condition{expr: "#m = :m", names: map[string]string{"#m": attrMoved}, values: item{":m": str(movedOut)}}
	if err := s.table.delete(ctx, operationPK(operation), row+"/"+step, c); !refused(err) {
		return err
	}
	return nil
}

// outcomeOf notes what became of a step for the operation that moved it last.
func (s *Store) outcomeOf(ctx context.Context, operation, row, step, what string) error {
	return s.moved(ctx, operation, row+"/"+step, what)
}

func (s *Store) asideOf(ctx context.Context, operation, row, what string) error {
	return s.moved(ctx, operation, row, what)
}

// backAgain notes that a row is back which somebody else took back, if the
// operation had set it aside.
func (s *Store) backAgain(ctx context.Context, operation, row string) error {
	if operation == "" {
		return nil
	}
	c := condition{expr: "attribute_exists(" + attrPK + ")", names: map[string]string{"#m": attrMoved}, values: item{":b": str(movedBack)}}
	_, err := s.table.update(ctx, operationPK(operation), row, "SET #m = :b", c)
	if refused(err) {
		return nil
	}
	return err
}

// Progress counts what became of what an operation moved. A step whose outcome
// seems to be missing is looked at in its row: a crash may have come between.
func (mv moves) Progress(ctx context.Context, operation string) (pipeline.Progress, error) {
	var p pipeline.Progress
	var open []string
	for it, err := range mv.s.table.items(ctx, query{pk: operationPK(operation), strong: true}) {
		if err != nil {
			return p, err
		}
		p.Moved++
		switch it.str(attrMoved) {
		case movedDone:
			p.Succeeded++
		case movedFailed:
			p.FailedAgain++
		case movedOut:
			open = append(open, it.str(attrSK))
		}
	}
	if len(open) == 0 || len(open) > batchGetMost {
		return p, nil
	}
	return p, mv.mend(ctx, operation, open, &p)
}

// mend looks at the rows of steps without an outcome.
func (mv moves) mend(ctx context.Context, operation string, open []string, p *pipeline.Progress) error {
	ids := make([]string, len(open))
	for i, sk := range open {
		ids[i], _, _ = cutStep(sk)
	}
	found, err := mv.s.rowsOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, sk := range open {
		text, step, _ := cutStep(sk)
		c := cell{}
		if r := found[text]; r != nil {
			c = r.cells[step]
		}
		switch {
		case c.Op == operation:
		case c.State == cellProcessed:
			p.Succeeded++
		case c.State == cellDead:
			p.FailedAgain++
		default: // never moved, or moved on by somebody else
			p.FailedAgain++
		}
	}
	return nil
}

func cutStep(sk string) (row, step string, ok bool) {
	if len(sk) <= idLength+1 {
		return sk, "", false
	}
	return sk[:idLength], sk[idLength+1:], true
}
