package aws

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	sdkmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// Meter counts what AWS bills for, at every try of every request, and what the
// rows that were worked on meanwhile have made of it.
type Meter struct {
	since   time.Time
	tallies sync.Map // of *tally, by use: as many as there are actions and purposes
	idle    idleWindow

	rows   atomic.Int64 // stored
	steps  atomic.Int64 // processed
	worked atomic.Int64 // the same as parts of rows, see rowParts
}

// rowParts is a whole row in Meter.worked: each step of a row is an equal part
// of it. It can be divided by every number up to sixteen.
const rowParts = 720_720

// use is what requests were made of, and for what.
type use struct {
	service, action string
	purpose         purpose
}

// tally adds up one use.
type tally struct{ requests, reads, writes atomic.Int64 }

func newMeter() *Meter {
	now := time.Now()
	return &Meter{since: now, idle: idleWindow{began: now}}
}

// attach adds the meter to a client's requests: before the SDK's own retrying it
// asks DynamoDB to say what a request took, behind it counts each try.
func (m *Meter) attach(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RedriveCost",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			in.Parameters = asking(in.Parameters)
			return next.HandleInitialize(middleware.WithStackValue(ctx, requestKey{}, in.Parameters), in)
		}), middleware.After)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RedriveCostOfTry",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			out, about, err := next.HandleFinalize(ctx, in)
			if err == nil || answered(err) {
				m.count(ctx, middleware.GetStackValue(ctx, requestKey{}), out.Result, err)
			}
			return out, about, err
		}), "Retry", middleware.After)
}

type requestKey struct{}

// answered tells whether an error is the service's own word: it has done its
// part, and bills for it, unless it was the service that broke.
func answered(err error) bool {
	status := statusOf(err)
	return codeOf(err) != "" && status > 0 && status < http.StatusInternalServerError
}

// count adds a try that was answered.
func (m *Meter) count(ctx context.Context, in, out any, err error) {
	u := use{sdkmiddleware.GetServiceID(ctx), sdkmiddleware.GetOperationName(ctx), purposeOf(ctx)}
	if u.purpose != purposeConsole && emptyPoll(in, out) {
		u.purpose = purposeIdle
	}
	b := billOf(in, out, err)
	known, ok := m.tallies.Load(u)
	if !ok {
		known, _ = m.tallies.LoadOrStore(u, &tally{})
	}
	t := known.(*tally) //nolint:forcetypeassert // nothing else is stored
	t.requests.Add(b.requests)
	t.reads.Add(b.reads)
	t.writes.Add(b.writes)
	if u.purpose == purposeIdle {
		m.idle.add(time.Now(), spentOn(u.service, b))
	}
}

// accepted counts rows that were stored.
func (m *Meter) accepted(n int) { m.rows.Add(int64(n)) }

// processed counts a step that was processed, of a row with so many.
func (m *Meter) processed(steps int) {
	m.steps.Add(1)
	m.worked.Add(rowParts / int64(max(steps, 1)))
}
