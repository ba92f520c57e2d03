package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Rows reads rows and lets operators act on single ones.
type Rows struct{ e *Engine }

// List returns rows with a flag for every step of the graph each was accepted
// with, in the graph's order.
//
// A Query that is a whole id is a look-up, however far back the row lies.
//
// Who may not see payloads does not search them either.
func (r *Rows) List(ctx context.Context, f RowFilter) (Page[Row], error) {
	if err := searchable(f.Query); err != nil {
		return Page[Row]{}, err
	}
	f.Blind = f.Blind || ActorFrom(ctx).blind()
	if f.Query != "" && f.Cursor == "" {
		if d, err := r.Get(ctx, f.Query); err == nil && (f.Pipeline == "" || f.Pipeline == d.Pipeline) {
			return Page[Row]{Items: []Row{d.Row}, Scanned: 1}, nil
		}
	}
	page, err := r.e.backend.Rows.List(ctx, f)
	if err != nil {
		return page, err
	}
	for i := range page.Items {
		if err := r.complete(ctx, &page.Items[i]); err != nil {
			return page, err
		}
	}
	return page, nil
}

// Get returns a row with everything that is kept of it, or ErrNotFound.
func (r *Rows) Get(ctx context.Context, id string) (RowDetail, error) {
	d, err := r.e.backend.Rows.Get(ctx, id)
	if err != nil {
		return d, err
	}
	return d, r.complete(ctx, &d.Row)
}

// complete adds the steps that wait, which have no cell, from the row's graph.
func (r *Rows) complete(ctx context.Context, row *Row) error {
	g, err := r.e.graphs.get(ctx, row.Graph)
	if err != nil {
		return err
	}
	steps := make([]Flag, 0, len(g.Nodes()))
	for _, n := range g.Nodes() {
		f, ok := row.Flag(n.Name)
		if !ok {
			f = Flag{Name: n.Name, State: StateWaiting}
		}
		f.Needs = n.Needs
		steps = append(steps, f)
	}
	row.Steps = steps
	return nil
}

// Discard sets a row aside. It needs a reason and can be restored.
func (r *Rows) Discard(ctx context.Context, id, reason string) (row RowDetail, err error) {
	entry := NewEntry(ctx, "row.discard", "rows/"+id, reason, nil)
	defer r.e.Audit.failed(ctx, entry, &err)
	if strings.TrimSpace(reason) == "" {
		return RowDetail{}, invalid("reason", "say why: discarding a row needs a reason")
	}
	before, err := r.Get(ctx, id)
	if err != nil {
		return before, err
	}
	entry.with(beforeAfter(before.Status, StatusDiscarded, nil))
	errs, err := r.e.backend.Moves.Discard(ctx, entry, "", reason, id)
	return r.after(ctx, id, errs, err, "this row is discarded already")
}

// Restore takes a discarded row back; its steps go on where they stood.
func (r *Rows) Restore(ctx context.Context, id, reason string) (row RowDetail, err error) {
	entry := NewEntry(ctx, "row.restore", "rows/"+id, reason, nil)
	defer r.e.Audit.failed(ctx, entry, &err)
	before, err := r.Get(ctx, id)
	if err != nil {
		return before, err
	}
	entry.with(beforeAfter(before.Status, before.beneath(), nil))
	errs, err := r.e.backend.Moves.Restore(ctx, entry, "", id)
	return r.after(ctx, id, errs, err, "this row is not discarded: there is nothing to restore")
}

func (r *Rows) after(ctx context.Context, id string, errs []error, err error, changed string) (RowDetail, error) {
	switch {
	case err != nil:
		return RowDetail{}, err
	case errs[0] == ErrChanged:
		return RowDetail{}, conflict(changed)
	case errs[0] != nil:
		return RowDetail{}, errs[0]
	}
	r.e.Events.Touch(TopicOverview, TopicRows, TopicLetters, TopicAudit, TopicSteps, "row:"+id)
	return r.Get(ctx, id)
}

// beneath is the status a discarded row has again when it is restored.
func (d *RowDetail) beneath() Status {
	all := func(is func(Flag) bool) bool {
		return !slices.ContainsFunc(d.Steps, func(f Flag) bool { return !is(f) })
	}
	switch {
	case len(d.Attempts) == 0 && all(func(f Flag) bool { return f.State == StateWaiting }):
		return StatusRejected // of any other row the first steps are at least queued
	case !all(func(f Flag) bool { return f.State != StateDead }):
		return StatusDead
	case all(func(f Flag) bool { return f.State == StateProcessed }):
		return StatusDone
	case len(d.Attempts) > 0 || !all(func(f Flag) bool { return f.Attempts == 0 }):
		return StatusInProgress
	}
	return StatusAccepted
}

// TestMessage is a message an operator sends from the console.
type TestMessage struct {
	Pipeline    string
	Payload     []byte
	ContentType string
	Reason      string
}

// Test sends a message into a pipeline as a row like any other, without a
// signature and without an idempotency key.
func (r *Rows) Test(ctx context.Context, m TestMessage) (id string, err error) {
	entry := NewEntry(ctx, "row.test", "rows", m.Reason, map[string]any{"pipeline": m.Pipeline, "bytes": len(m.Payload)})
	defer r.e.Audit.failed(ctx, entry, &err)
	p := r.e.pipeline(m.Pipeline)
	if p == nil {
		return "", notFound("there is no pipeline named " + m.Pipeline)
	}
	if len(m.Payload) == 0 {
		return "", invalid("payload", "the message has no payload")
	}
	if strings.ContainsFunc(m.ContentType, unicode.IsControl) {
		return "", invalid("content_type", "the content type has a control character in it, so no step could be sent it")
	}
	if int64(len(m.Payload)) > p.Intake.MaxBytes && p.Intake.MaxBytes > 0 {
		return "", &Error{Code: CodeTooLarge, Text: fmt.Sprintf("the payload has %d bytes, pipeline %s takes at most %d", len(m.Payload), m.Pipeline, p.Intake.MaxBytes)}
	}
	done, err := r.e.Intake.Submit(ctx, m.Pipeline, Message{Payload: m.Payload, ContentType: m.ContentType, Label: "test message"})
	if done.ID == "" {
		return "", err
	}
	if entry.Object = "rows/" + done.ID; err != nil {
		entry.Result = sentenceOf(err)
	}
	if logErr := r.e.backend.Audit.Append(ctx, *entry); logErr != nil {
		return done.ID, logErr
	}
	r.e.Events.Touch(TopicAudit)
	return done.ID, err
}
