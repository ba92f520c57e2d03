package main

import (
	"net/url"
	"slices"
)

func (p *testProgram) row(id string) rowDoc {
	p.t.Helper()
	return read[rowDoc](p, "/api/v1/rows/"+id)
}

// becomes waits until a row has this status.
func (p *testProgram) becomes(id, status string) rowDoc {
	p.t.Helper()
	return eventually(p.t, "row "+id+" becoming "+status, func() rowDoc { return p.row(id) }, func(r rowDoc) bool { return r.Status == status })
}

func (p *testProgram) allBecome(ids []string, status string) {
	p.t.Helper()
	for _, id := range ids {
		p.becomes(id, status)
	}
}

func (r rowDoc) flag(step string) flagDoc {
	i := slices.IndexFunc(r.Steps, func(f flagDoc) bool { return f.Name == step })
	if i < 0 {
		return flagDoc{}
	}
	return r.Steps[i]
}

// of are the attempts of a step, the first one first.
func (r rowDoc) of(step string) []attemptDoc {
	list := slices.DeleteFunc(slices.Clone(r.Attempts), func(a attemptDoc) bool { return a.Step != step })
	slices.SortFunc(list, func(a, b attemptDoc) int { return a.Number - b.Number })
	return list
}

// rows are how many rows of the pipeline have a status.
func (p *testProgram) rows(status string) int {
	p.t.Helper()
	return read[overviewDoc](p, "/api/v1/overview").Pipelines[0].Rows[status]
}

func (p *testProgram) step(name string) stepDoc {
	p.t.Helper()
	steps := read[overviewDoc](p, "/api/v1/overview").Pipelines[0].Steps
	i := slices.IndexFunc(steps, func(s stepDoc) bool { return s.Name == name })
	if i < 0 {
		p.t.Fatalf("the overview has no step %s", name)
	}
	return steps[i]
}

func (p *testProgram) letters(query string) lettersDoc {
	p.t.Helper()
	return read[lettersDoc](p, "/api/v1/dead-letters?"+query)
}

// die delivers n rows and waits until each has a dead letter; it returns the
// letters in the order of the rows.
func (p *testProgram) die(n int) []letterDoc {
	p.t.Helper()
	ids := p.accept(n)
	p.allBecome(ids, "dead")
	letters := make([]letterDoc, n)
	eventually(p.t, "a dead letter of each row", func() (found int) {
		for _, l := range p.letters("limit=500").DeadLetters {
			if i := slices.Index(ids, l.RowID); i >= 0 {
				letters[i] = l
				found++
			}
		}
		return found
	}, is(n))
	return letters
}

func (p *testProgram) redrive(body any) operationDoc {
	p.t.Helper()
	return decode[operationDoc](p.post("/api/v1/redrives", body).want(202))
}

// ends waits until an operation is in a state.
func (p *testProgram) ends(o operationDoc, state string) operationDoc {
	p.t.Helper()
	if o.ID == nil {
		p.t.Fatalf("an operation without id: %+v", o)
	}
	return eventually(p.t, "operation becoming "+state, func() operationDoc { return read[operationDoc](p, "/api/v1/redrives/"+*o.ID) },
		func(o operationDoc) bool { return o.State == state })
}

func (p *testProgram) breaker(name string) breakerDoc {
	p.t.Helper()
	return read[breakerDoc](p, "/api/v1/breakers/"+name)
}

func (p *testProgram) force(name, state, span string) breakerDoc {
	p.t.Helper()
	body := map[string]any{"state": state, "reason": "a test of " + state}
	if span != "" {
		body["for"] = span
	}
	return decode[breakerDoc](p.post("/api/v1/breakers/"+name, body).want(200))
}

func (p *testProgram) breakerBecomes(name, state string) breakerDoc {
	p.t.Helper()
	return eventually(p.t, "breaker becoming "+state, func() breakerDoc { return p.breaker(name) }, func(b breakerDoc) bool { return b.State == state })
}

// audited returns the newest entry of an action.
func (p *testProgram) audited(action string) entryDoc {
	p.t.Helper()
	list := read[auditDoc](p, "/api/v1/audit?action="+url.QueryEscape(action)).Entries
	if len(list) == 0 {
		p.t.Fatalf("the audit has no %s", action)
	}
	return list[0]
}
