package handlers

import (
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// rowCounts are the counters of one pipeline, or of all with an empty name.
func rowCounts(o pipeline.Overview, name string) map[pipeline.Status]int64 {
	counts := map[pipeline.Status]int64{}
	for _, p := range o.Pipelines {
		if name != "" && p.Name != name {
			continue
		}
		for s, n := range p.Rows {
			counts[s] += n
		}
	}
	return counts
}

// countOf is how many rows have a status as the filter writes it.
func countOf(counts map[pipeline.Status]int64, status string) int64 {
	switch status {
	case "":
		var all int64
		for _, n := range counts {
			all += n
		}
		return all
	case statusUnfinished:
		return counts[pipeline.StatusAccepted] + counts[pipeline.StatusInProgress] + counts[pipeline.StatusDead]
	default:
		return counts[pipeline.Status(status)]
	}
}

func statusChips(base string, o pipeline.Overview, q rowsFilter) []views.FilterChip {
	counts := rowCounts(o, q.Pipeline)
	chip := func(label, status string) views.FilterChip {
		return views.FilterChip{Label: label, Count: countOf(counts, status), Counted: !q.narrow(), Bad: status == string(pipeline.StatusDead),
			Current: q.Status == status, Href: views.WithQuery(views.Href(base, "rows"), q.with(status).query()...)}
	}
	out := []views.FilterChip{chip("All", ""), chip("Not finished", statusUnfinished)}
	for _, s := range pipeline.Statuses() {
		word := strings.ReplaceAll(string(s), "_", " ")
		out = append(out, chip(strings.ToUpper(word[:1])+word[1:], string(s)))
	}
	return out
}

func rowsListing(base string, o pipeline.Overview, q rowsFilter, page pipeline.Page[pipeline.Row]) views.Listing {
	own, file := views.Href(base, "rows"), views.Href(base, "rows", "export")
	total := countOf(rowCounts(o, q.Pipeline), q.Status)
	l := views.Listing{Shown: views.Count(len(page.Items)) + " shown, newest first",
		Newer: q.trail.newer(own, q.query()), Older: q.trail.older(own, q.query(), page.Next),
		CSV: views.WithQuery(file, append(q.query(), "format", "csv")...), JSON: views.WithQuery(file, append(q.query(), "format", "json")...),
		Export: "Export matching as CSV", ExportNote: "An export holds at most the newest " + views.Count(exportMost) + " rows."}
	if !q.narrow() {
		l.Shown = views.Count(len(page.Items)) + " of " + views.Count(total) + " shown, newest first"
		l.Export, l.ExportNote = "Export "+views.Count(total)+" as CSV", ""
		if total > exportMost {
			l.Export = "Export the newest " + views.Count(exportMost) + " of " + views.Count(total) + " as CSV"
		}
	}
	if q.Query != "" {
		l.Searched = searched(q, page)
		if page.Next != "" {
			l.GoOn = l.Older
		}
	}
	return l
}

// searched says how far a search looked, which is less than everything.
func searched(q rowsFilter, page pipeline.Page[pipeline.Row]) string {
	n := views.Plural(page.Scanned, "row", "rows")
	switch {
	case page.Next == "" && q.trail.cursor == "":
		return "Searched all " + n + " of this filter."
	case page.Next == "":
		return "Searched " + n + " more, to the oldest."
	case q.trail.cursor == "":
		return "Searched the newest " + n + "."
	default:
		return "Searched " + n + " more."
	}
}

// noRows says why the list is empty and what to do next.
func noRows(base string, q rowsFilter, page pipeline.Page[pipeline.Row]) views.Nothing {
	everything := &views.Action{Label: "Show all rows", Href: views.Href(base, "rows")}
	switch {
	case q.Query != "" && page.Next != "":
		return views.Nothing{Icon: "search", Title: "Nothing found so far", Text: searched(q, page) + " Older rows were not looked at yet.",
			Action: &views.Action{Label: "Search on in older rows", Href: q.trail.older(views.Href(base, "rows"), q.query(), page.Next)}}
	case q.Query != "":
		return views.Nothing{Icon: "search", Title: "Nothing found", Text: searched(q, page) + " A search looks at id, label, last error and payload.", Action: everything}
	case q.set():
		return views.Nothing{Icon: "filter", Title: "No row matches", Text: "No row is like this at the moment.", Action: everything}
	default:
		return views.Nothing{Icon: "rows", Title: "No rows yet", Text: "A row appears here once a message is stored: POST it to /ingest/ and the pipeline's name, or send a test message below.",
			Action: &views.Action{Label: "How to send messages", Href: views.Href(base, "start")}}
	}
}
