package aws

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// stand is a table of its own behind a proxy, which counts and does harm.
type stand struct {
	*testing.T
	proxy *awstest.Proxy
	table *table
	audit *auditLog
	other *records // another process's, past the proxy, without a copy of anything
}

func newStand(t *testing.T) *stand {
	t.Helper()
	at := awstest.Emulators(t)
	name := "rows-" + rand.Text()
	makeTable(t, at, name)
	s := &stand{T: t, proxy: awstest.NewProxy(t, at.DynamoDB)}
	behind := &table{client: NewAccount(awstest.Config(t, awstest.Endpoints{DynamoDB: s.proxy.URL})).dynamodb(), name: name}
	direct := &table{client: NewAccount(awstest.Config(t, at)).dynamodb(), name: name}
	s.table, s.audit = behind, newAuditLog(behind)
	s.other = newRecords(direct, newAuditLog(direct), 0)
	return s
}

func (s *stand) records(age time.Duration) *records { return newRecords(s.table, s.audit, age) }

func (s *stand) metrics(flush time.Duration) *metrics {
	return newMetrics(s.table, flush, slog.New(slog.NewTextHandler(s.Output(), nil)))
}

// before has slip done between a call's request and the service, once.
func before(slip func()) awstest.Harm {
	return func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			slip()
			return next(c)
		}
	}
}

// after has slip done between the service and a call's answer.
func after(slip func()) awstest.Harm {
	return func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			answer := next(c)
			slip()
			return answer
		}
	}
}

func (s *stand) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stand) want(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("the answer is %v, want %v", err, want)
	}
}

// requests counts what was asked of the table since the last time.
func (s *stand) requests(want int, doing string) {
	s.Helper()
	if got := s.proxy.Count(""); got != want {
		s.Errorf("%s takes %d requests, want %d: %v", doing, got, want, s.proxy.Calls(""))
	}
	s.proxy.Forget()
}

func doc(kind, id string, version int64, data string) pipeline.Record {
	return pipeline.Record{Kind: kind, ID: id, Version: version, Data: []byte(data)}
}

func gone(kind, id string, version int64) pipeline.Record {
	return pipeline.Record{Kind: kind, ID: id, Version: version}
}

// has compares a record with what another process finds; an empty text is none.
func (s *stand) has(kind, id, data string) (version int64) {
	s.Helper()
	rec, err := s.other.Get(s.Context(), kind, id)
	if err != nil && !errors.Is(err, pipeline.ErrNotFound) {
		s.Fatal(err)
	}
	if string(rec.Data) != data {
		s.Errorf("%s %s is %q, want %q", kind, id, rec.Data, data)
	}
	return rec.Version
}

// results lists what the entries say came of it, newest first.
func (s *stand) results() (results []string) {
	s.Helper()
	page, err := s.audit.List(s.Context(), pipeline.AuditFilter{})
	s.ok(err)
	for _, e := range page.Items {
		results = append(results, e.Result)
	}
	return results
}

func entryFor(ctx context.Context) *pipeline.Entry {
	return pipeline.NewEntry(ctx, "breaker.force", "breakers/search", "it is back", nil)
}

// intact verifies the audit log, which must have n entries.
func (s *stand) intact(n int64) {
	s.Helper()
	check, err := pipeline.VerifyAudit(s.Context(), s.audit, s.other, pipeline.AuditBounds{})
	s.ok(err)
	if check.Bad != nil || check.Entries != n {
		s.Errorf("the audit log has %d entries, want %d, broken: %+v", check.Entries, n, check.Bad)
	}
}
