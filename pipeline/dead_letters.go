package pipeline

import (
	"cmp"
	"context"
	"time"
)

// LetterKind tells whether a step failed or could not even be tried.
type LetterKind string

// The kinds of dead letter.
const (
	LetterHandler       LetterKind = "handler"
	LetterUndeliverable LetterKind = "undeliverable"
)

// DeadLetter is a step of a row that gave up. A row that dies again gets a new
// one.
type DeadLetter struct {
	ID            string
	Row           string
	Pipeline      string
	Step          string
	Error         string
	StatusCode    int // 0 without an answer
	Group         string
	Attempts      int
	Kind          LetterKind
	FirstFailedAt time.Time
	DeadAt        time.Time
	Label         string // the row's
	In            string // name of the dead-letter queue, where it is not pipeline-step-dlq
}

// Queue is the name of the dead-letter queue the letter lies in.
func (l DeadLetter) Queue() string { return cmp.Or(l.In, l.Pipeline+"-"+l.Step+"-dlq") }

// LetterFilter selects dead letters. The zero value selects all.
type LetterFilter struct {
	Pipeline, Step string
	IDs            []string
	Group          string
	Query          string // in the error, the row's id or label; case-insensitive
	UpTo           string // letters up to this id: what existed when an operation began
	Oldest         bool   // oldest first, for operations
	Limit          int
	Cursor         string
}

// Group is the dead letters of one cause.
type Group struct {
	Group    string
	Error    string // the error with ids, numbers and times taken out
	Pipeline string
	Step     string
	Kind     LetterKind
	Count    int64
	FirstAt  time.Time
	LastAt   time.Time
	Recent   [4]int64 // died in the last 15 minutes, hour, 6 hours, 24 hours
}

// Letters reads dead letters.
type Letters struct{ e *Engine }

// List returns the letters a filter selects, newest first, and how many there
// are in all.
func (l *Letters) List(ctx context.Context, f LetterFilter) (Page[DeadLetter], int64, error) {
	if err := searchable(f.Query); err != nil {
		return Page[DeadLetter]{}, 0, err
	}
	page, err := l.e.backend.Letters.List(ctx, f)
	if err != nil {
		return page, 0, err
	}
	total, err := l.e.backend.Letters.Count(ctx, f)
	return page, total, err
}

// Groups returns the causes, largest first.
func (l *Letters) Groups(ctx context.Context, pipeline, step string) ([]Group, error) {
	return l.e.backend.Letters.Groups(ctx, pipeline, step)
}
