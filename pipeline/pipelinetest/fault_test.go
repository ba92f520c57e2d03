package pipelinetest_test

import (
	"context"
	"errors"
	"testing"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
)

// notebook is an audit log that only counts.
type notebook struct {
	pipeline.AuditLog
	entries int
}

func (n *notebook) Append(_ context.Context, entries ...pipeline.Entry) error {
	n.entries += len(entries)
	return nil
}

func TestFault(t *testing.T) {
	other := errors.New("wire cut")
	for _, c := range []struct {
		name   string
		fault  *pipelinetest.Fault
		fails  int // which of three calls
		err    error
		stored int
	}{
		{"the second call fails", &pipelinetest.Fault{Nth: 2}, 2, pipeline.ErrUnavailable, 2},
		{"its answer is lost", &pipelinetest.Fault{Method: "Audit.Append", Nth: 2, Lost: true}, 2, pipeline.ErrUnavailable, 3},
		{"with another error", &pipelinetest.Fault{Nth: 1, Err: other}, 1, other, 2},
		{"another method", &pipelinetest.Fault{Method: "Audit.List", Nth: 1}, 0, nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &notebook{}
			b := pipelinetest.Faulty(pipeline.Backend{Audit: log}, c.fault)
			for call := 1; call <= 3; call++ {
				err := b.Audit.Append(t.Context(), pipeline.Entry{})
				if failed := err != nil; failed != (call == c.fails) || failed && !errors.Is(err, c.err) {
					t.Errorf("call %d answers %v", call, err)
				}
			}
			if log.entries != c.stored {
				t.Errorf("%d entries stored, want %d", log.entries, c.stored)
			}
			if c.fault.Hit() != (c.fails > 0) {
				t.Errorf("hit: %v", c.fault.Hit())
			}
		})
	}
}

func TestACutFaultPutsTheStoreOutOfReach(t *testing.T) {
	log, fault := &notebook{}, &pipelinetest.Fault{Method: "none"}
	b := pipelinetest.Faulty(pipeline.Backend{Audit: log}, fault)
	for _, down := range []bool{true, false} {
		fault.Cut(down)
		if err := b.Audit.Append(t.Context(), pipeline.Entry{}); (err != nil) != down {
			t.Errorf("down %v: appending answers %v", down, err)
		}
	}
	if log.entries != 1 {
		t.Errorf("%d entries stored", log.entries)
	}
}

func TestSamples(t *testing.T) {
	samples := pipelinetest.Samples(t)
	if len(samples) != 12 {
		t.Errorf("%d samples", len(samples))
	}
	for _, s := range samples {
		if s.ID == "" || s.Event == "" || len(s.Body) == 0 {
			t.Errorf("sample %q %q has %d bytes", s.ID, s.Event, len(s.Body))
		}
	}
}
