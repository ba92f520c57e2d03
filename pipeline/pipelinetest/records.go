package pipelinetest

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"redrive/pipeline"
)

func recordRules() []rule {
	return []rule{
		{name: "a record is kept", run: recordKept,
			rule: "Get returns a record as it was put, or ErrNotFound."},
		{name: "a write names the version it read", run: recordVersions,
			rule: "Version is the one read, 0 for a new record, AnyVersion to overwrite; else ErrVersion."},
		{name: "records at once", run: recordsAtOnce, crowd: true,
			rule: "Of many who write the version they read at once, one is written."},
		{name: "records together", run: recordsTogether,
			rule: "Put writes records together or not at all."},
		{name: "records with their entry", run: recordsWithEntry,
			rule: "Put writes the entry with the records or not at all."},
		{name: "nil data deletes", run: recordDeleted,
			rule: "Nil Data deletes a record."},
		{name: "records by descending id", run: recordsListed,
			rule: "List returns the records of a kind by descending id, page by page without gaps or repeats."},
		{name: "records expire", run: recordsExpire,
			rule: "A record is there at least until it expires."},
	}
}

func (e *env) record(kind, id string) pipeline.Record {
	e.Helper()
	r, err := e.b.Records.Get(e.Context(), kind, id)
	e.ok(err, "getting record "+kind+"/"+id)
	return r
}

func (e *env) tryPut(rs ...pipeline.Record) error { return e.b.Records.Put(e.Context(), nil, rs...) }

func (e *env) putRecords(rs ...pipeline.Record) {
	e.Helper()
	e.ok(e.tryPut(rs...), "putting records")
}

func document(kind, id string, version int64, text string) pipeline.Record {
	return pipeline.Record{Kind: kind, ID: id, Version: version, Data: []byte(strconv.Quote(text))}
}

func (e *env) noRecord(kind, id string) {
	e.Helper()
	if _, err := e.b.Records.Get(e.Context(), kind, id); !errors.Is(err, pipeline.ErrNotFound) {
		e.Errorf("getting record %s/%s answers %v, want not found", kind, id, err)
	}
}

func recordKept(e *env) {
	e.noRecord("breaker", "search")
	r := document("breaker", "search", 0, "closed żółć")
	r.ExpiresAt = e.now().Add(time.Hour)
	e.putRecords(r)
	got := e.record("breaker", "search")
	if got.Version <= 0 {
		e.Errorf("the version of a stored record is %d", got.Version)
	}
	same(e, "expiry", got.ExpiresAt, r.ExpiresAt)
	same(e, "data", string(got.Data), string(r.Data))
	same(e, "kind and id", got.Kind+"/"+got.ID, "breaker/search")
	e.noRecord("sweep", "search")
	e.noRecord("breaker", "searc")
	e.noRecord("", "")
	e.putRecords(document("sweep", "search", 0, "other kind"))
	same(e, "data", string(e.record("breaker", "search").Data), string(r.Data))
	same(e, "expiry of a record without", e.record("sweep", "search").ExpiresAt.IsZero(), true)
}

func (e *env) wantVersionError(err error, what string) {
	e.Helper()
	if !errors.Is(err, pipeline.ErrVersion) {
		e.Errorf("%s answers %v, want %v", what, err, pipeline.ErrVersion)
	}
}

func recordVersions(e *env) {
	e.wantVersionError(e.tryPut(document("k", "a", 7, "x")), "a version of no record")
	e.putRecords(document("k", "a", 0, "1"))
	first := e.record("k", "a").Version
	e.wantVersionError(e.tryPut(document("k", "a", 0, "2")), "new again")
	e.putRecords(document("k", "a", first, "2"))
	second := e.record("k", "a").Version
	if second == first {
		e.Errorf("the version stays %d", first)
	}
	e.wantVersionError(e.tryPut(document("k", "a", first, "3")), "an old version")
	same(e, "data", string(e.record("k", "a").Data), `"2"`)
	e.putRecords(document("k", "a", pipeline.AnyVersion, "3"), document("k", "b", pipeline.AnyVersion, "new"))
	e.wantVersionError(e.tryPut(document("k", "a", second, "4")), "a version somebody overwrote")
	same(e, "data", string(e.record("k", "a").Data)+string(e.record("k", "b").Data), `"3""new"`)
}

func recordsAtOnce(e *env) {
	all := e.processes()
	e.putRecords(document("k", "n", 0, "0"))
	const callers, steps = 6, 4
	crowd(callers, func(i int) {
		store := all[i%len(all)].Records
		for done := 0; done < steps; {
			r, err := store.Get(e.Context(), "k", "n")
			if err != nil {
				e.Errorf("getting: %v", err)
				return
			}
			text, _ := strconv.Unquote(string(r.Data))
			n, _ := strconv.Atoi(text)
			err = store.Put(e.Context(), nil, document("k", "n", r.Version, strconv.Itoa(n+1)))
			switch {
			case err == nil:
				done++
			case !errors.Is(err, pipeline.ErrVersion):
				e.Errorf("putting: %v", err)
				return
			}
		}
	})
	same(e, "writes", string(e.record("k", "n").Data), strconv.Quote(strconv.Itoa(callers*steps)))
}

func recordsTogether(e *env) {
	e.putRecords(document("k", "b", 0, "old"))
	e.wantVersionError(e.tryPut(document("k", "a", 0, "new"), document("k", "b", 0, "new"), document("k", "c", 0, "new")), "one of three")
	e.noRecord("k", "a")
	e.noRecord("k", "c")
	same(e, "data", string(e.record("k", "b").Data), `"old"`)
	e.putRecords(document("k", "a", 0, "new"), document("k", "b", e.record("k", "b").Version, "new"), document("other", "a", 0, "new"))
	same(e, "data", string(e.record("k", "b").Data)+string(e.record("other", "a").Data), `"new""new"`)
}

func recordsWithEntry(e *env) {
	first := e.entry("breaker.force", "breakers/search")
	e.ok(e.b.Records.Put(e.Context(), first, document("breaker", "search", 0, "open")), "putting")
	refused := e.entry("breaker.force", "breakers/search")
	e.wantVersionError(e.b.Records.Put(e.Context(), refused, document("breaker", "search", 0, "closed")), "new again")
	same(e, "entries", ids(e.entries(pipeline.AuditFilter{}), entryID), []string{first.ID})
	e.pass(e.tick())
	alone := e.entry("login.fail", "users/ada")
	e.ok(e.b.Records.Put(e.Context(), alone), "putting an entry alone")
	same(e, "entries", ids(e.entries(pipeline.AuditFilter{}), entryID), []string{alone.ID, first.ID})
}

func recordDeleted(e *env) {
	e.putRecords(document("k", "a", 0, "1"))
	e.wantVersionError(e.tryPut(pipeline.Record{Kind: "k", ID: "a", Version: 99}), "deleting another version")
	e.putRecords(pipeline.Record{Kind: "k", ID: "a", Version: e.record("k", "a").Version})
	e.noRecord("k", "a")
	e.putRecords(pipeline.Record{Kind: "k", ID: "a", Version: pipeline.AnyVersion})
	e.putRecords(document("k", "a", 0, "2"))
	same(e, "data", string(e.record("k", "a").Data), `"2"`)
	e.putRecords(pipeline.Record{Kind: "k", ID: "a", Version: pipeline.AnyVersion})
	p, err := e.b.Records.List(e.Context(), "k", "", 10)
	e.ok(err, "listing records")
	same(e, "records", len(p.Items), 0)
}

func recordsListed(e *env) {
	var want []string
	for i := range 9 {
		id := fmt.Sprintf("r%02d", 8-i)
		want = append(want, id)
		e.putRecords(document("k", id, 0, id))
	}
	e.putRecords(document("l", "r99", 0, "x"), document("", "r99", 0, "x"))
	got := pages(e, "listing records", func(cursor string) (pipeline.Page[pipeline.Record], error) {
		if cursor != "" {
			e.putRecords(document("k", "s"+pipeline.NewID(), 0, "x"))
		}
		return e.b.Records.List(e.Context(), "k", cursor, 2)
	})
	same(e, "records", ids(got, recordID), want)
	same(e, "listed record", got[0], e.record("k", "r08"))
}

func recordsExpire(e *env) {
	r := document("k", "a", 0, "x")
	r.ExpiresAt = e.now().Add(20 * e.tick())
	e.putRecords(r, document("k", "b", 0, "x"))
	e.pass(8 * e.tick())
	e.record("k", "a")
	e.pass(14 * e.tick())
	e.record("k", "b")
	err := e.tryPut(document("k", "a", pipeline.AnyVersion, "again"))
	e.ok(err, "putting over an expired record")
	e.pass(10 * e.tick())
	same(e, "data", string(e.record("k", "a").Data), `"again"`)
}
