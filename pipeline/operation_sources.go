package pipeline

import (
	"context"
	"slices"
)

// source is what an operation works on: it counts it once at the start, says
// which breaker is in the way, and moves a slice at a time from op.Cursor on.
type source interface {
	freeze(ctx context.Context, op *Operation) error
	held(ctx context.Context, op *Operation) (breaker string, err error)
	move(ctx context.Context, op *Operation, n int) error
}

func (o *Operations) source(op *Operation) source {
	switch {
	case op.Kind == OpReplay:
		return replaySource{o.e}
	case op.Kind == OpRestore:
		return restoreSource{o.e}
	case op.Selector.OlderThan > 0 || op.Selector.Oldest > 0:
		return waitingSource{o.e}
	}
	return letterSource{o.e}
}

func (o *Operation) skip(why string, n int64) {
	if n > 0 {
		i := slices.IndexFunc(o.Skipped, func(s Skip) bool { return s.Why == why })
		if i < 0 {
			o.Skipped = append(o.Skipped, Skip{Why: why})
			i = len(o.Skipped) - 1
		}
		o.Skipped[i].Count += n
	}
}

func (o *Operation) skipped() int64 {
	var n int64
	for _, s := range o.Skipped {
		n += s.Count
	}
	return n
}
