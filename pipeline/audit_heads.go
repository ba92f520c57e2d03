package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	kindAuditHead = "audit-head" // one a chain, and one more for each that the log no longer has
	auditHeadEach = time.Minute
)

// keptHead is the end of a chain as it was at some time.
type keptHead struct {
	Chain string `json:"chain,omitempty"`
	AuditHead
	At time.Time `json:"at"`
}

// headID is the record of a chain's head.
func headID(chain string) string {
	if chain == "" {
		return "chain"
	}
	return chain
}

func keptHeads(ctx context.Context, records RecordStore) ([]keptHead, error) {
	list, err := listAll(ctx, records, kindAuditHead)
	if err != nil {
		return nil, fmt.Errorf("reading the heads of the audit log: %w", err)
	}
	heads := make([]keptHead, len(list))
	for i, rec := range list {
		if err := json.Unmarshal(rec.Data, &heads[i]); err != nil {
			return nil, fmt.Errorf("reading the head %s of the audit log: %w", rec.ID, err)
		}
	}
	return heads, nil
}

// auditHeads notes down where the chains of this process end, in the log of the
// program and in the store: an end that is cut off is missed.
type auditHeads struct {
	e *Engine

	mu    sync.Mutex
	noted map[string]keptHead // by chain
}

func (h *auditHeads) run(ctx context.Context) error {
	return every(ctx, auditHeadEach, func(ctx context.Context) { h.e.fleet.logged(ctx, "noting the head of the audit log", h.note(ctx)) })
}

// last notes what was written until the very end.
func (h *auditHeads) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
	defer cancel()
	h.e.fleet.logged(ctx, "noting the head of the audit log", h.note(ctx))
}

// note writes down the ends that moved since the last time.
func (h *auditHeads) note(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	links, err := h.e.backend.Audit.Heads(ctx)
	if err != nil {
		return err
	}
	for _, l := range links {
		err = errors.Join(err, h.noteOne(ctx, l))
	}
	return err
}

func (h *auditHeads) noteOne(ctx context.Context, l Link) error {
	was, known := h.noted[l.Chain]
	if !known {
		var err error
		if was, err = h.read(ctx, l.Chain); err != nil {
			return err
		}
	}
	if was.Number == l.Number && was.is(l) && was.Hash == l.Tail() {
		h.noted[l.Chain] = was
		return nil
	}
	if was.Number > l.Number || was.Number == l.Number && !was.is(l) {
		if err := h.missed(ctx, was, l); err != nil {
			return err
		}
	}
	now := keptHead{Chain: l.Chain, AuditHead: AuditHead{Number: l.Number, Hash: l.Tail()}, At: time.Now().UTC()}
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := h.e.backend.Records.Put(ctx, nil, Record{Kind: kindAuditHead, ID: headID(l.Chain), Version: AnyVersion, Data: data}); err != nil {
		return err
	}
	h.noted[l.Chain] = now
	args := []any{"head", l.Head()}
	if l.Chain != "" {
		args = append(args, "chain", l.Chain)
	}
	h.e.log.InfoContext(ctx, "audit head", args...)
	return nil
}

// missed keeps a head that the log no longer has, so that a new end does not
// cover up for it.
func (h *auditHeads) missed(ctx context.Context, was keptHead, l Link) error {
	data, err := json.Marshal(was)
	if err != nil {
		return err
	}
	rec := Record{Kind: kindAuditHead, ID: fmt.Sprintf("%s-%d-%s", headID(was.Chain), was.Number, was.Hash[:min(len(was.Hash), 12)]), Version: AnyVersion, Data: data}
	if err := h.e.backend.Records.Put(ctx, nil, rec); err != nil {
		return err
	}
	h.e.log.ErrorContext(ctx, "the audit log was cut off or replaced: the end that was noted is not in it; run audit verify",
		"noted", fmt.Sprintf("%d:%s", was.Number, was.Hash), "found", l.Head())
	return nil
}

func (h *auditHeads) read(ctx context.Context, chain string) (keptHead, error) {
	var was keptHead
	rec, err := h.e.backend.Records.Get(ctx, kindAuditHead, headID(chain))
	if errors.Is(err, ErrNotFound) {
		return was, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Data, &was)
	}
	if err != nil {
		return was, fmt.Errorf("reading the head of the audit log: %w", err)
	}
	return was, nil
}
