package sqlite

import (
	"context"
	"errors"

	"redrive/pipeline"
)

// unavailable turns a failure of SQLite into what callers know, with a sentence
// for the operator. Errors that are answers already pass as they are.
func (db *DB) unavailable(err error) error {
	var known *pipeline.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err}
	if errors.Is(err, errCells) {
		e.Text = db.path + " is damaged; stop the server and restore it from a backup"
		return e
	}
	switch failureOf(err) {
	case failFull:
		e.Text = "the disk under " + db.path + " is full"
	case failIO:
		e.Text = "the disk under " + db.path + " does not read or write"
	case failCorrupt:
		e.Text = db.path + " is damaged; stop the server and restore it from a backup"
	case failBusy:
		e.Text = db.path + " is locked by another program"
	case failReadOnly:
		e.Text = db.path + " cannot be written"
	case failTooBig:
		e.Code, e.Text = pipeline.CodeTooLarge, "a value is larger than the store can keep"
	default:
		e.Text = "the store cannot do this now"
	}
	return e
}

func unavailablef(text string, err error) error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: text, Err: err}
}

func errClosed() error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store is closed"}
}

func noRow() error {
	return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no row with this id"}
}

func badCursor() error {
	return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "cursor", Text: "cursor is not one that a list answered"}
}
