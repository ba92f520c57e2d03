package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// failing answers each row with a status and a text that names the row.
func failing(status int, text string) script {
	return func(c seenCall) reply { return reply{status: status, body: fmt.Sprintf(text, c.row)} }
}

func TestDeadLettersAreListed(t *testing.T) {
	t.Parallel()
	p := launch(t, step("index"), step("notify"))
	p.down.on("index", failing(422, "document %s: unknown shard"))
	p.down.on("notify", failing(410, "mailbox of %s is gone"))
	ids := p.accept(5)
	list := eventually(t, "ten dead letters", func() lettersDoc { return p.letters("limit=500") }, func(l lettersDoc) bool { return l.Total == 10 && len(l.DeadLetters) == 10 })
	for _, l := range list.DeadLetters {
		status := map[string]int{"index": 422, "notify": 410}[l.Step]
		if !slices.Contains(ids, l.RowID) || l.Pipeline != "github" || l.StatusCode == nil || *l.StatusCode != status || l.Attempts != 1 ||
			l.Kind != "handler" || !strings.Contains(l.Error, l.RowID) || l.Queue == "" || l.Group == "" || !idForm.MatchString(l.ID) {
			t.Errorf("letter %+v", l)
		}
	}
	again := p.letters("limit=500")
	equal(t, "reading changes nothing", fmt.Sprint(letterIDs(again)), fmt.Sprint(letterIDs(list)))
	for query, want := range map[string]int{"pipeline=github": 10, "step=index": 5, "q=mailbox": 5, "q=" + ids[0]: 2, "q=nothing-like-it": 0,
		"group=" + list.DeadLetters[0].Group: 5, "step=notify&q=" + ids[4]: 1} {
		l := p.letters(query)
		equal(t, "total of "+query, l.Total, want)
		equal(t, "letters of "+query, len(l.DeadLetters), want)
	}
	var paged []string
	for query := "limit=4"; ; {
		page := p.letters(query)
		equal(t, "total on each page", page.Total, 10)
		paged = append(paged, letterIDs(page)...)
		if page.NextCursor == nil {
			break
		}
		query = "limit=4&cursor=" + *page.NextCursor
	}
	equal(t, "letters by page", fmt.Sprint(paged), fmt.Sprint(letterIDs(list)))
}

func letterIDs(l lettersDoc) []string {
	list := make([]string, len(l.DeadLetters))
	for i, d := range l.DeadLetters {
		list[i] = d.ID
	}
	return list
}

func TestDeadLettersAreGroupedByCause(t *testing.T) {
	t.Parallel()
	p := launch(t, step("index"), step("notify"))
	p.down.on("index", failing(422, "document %s: shard 17 of 32 unknown at 2026-11-21T10:00:00Z"))
	p.down.on("notify", func(c seenCall) reply {
		if number(c.row)%2 == 0 {
			return reply{status: 410, body: "mailbox is gone"}
		}
		return reply{status: 422, body: "mailbox is gone"}
	})
	ids := p.accept(8)
	eventually(t, "dead letters", func() int { return p.letters("").Total }, is(16))
	groups := read[groupsDoc](p, "/api/v1/dead-letters/groups").Groups
	counts := map[string]int{}
	for i, g := range groups {
		counts[g.Step] += g.Count
		equal(t, "total of the group", p.letters("group="+g.Group).Total, g.Count)
		if g.Pipeline != "github" || g.Kind != "handler" || g.Error == "" || g.FirstAt.IsZero() || g.LastAt.Before(g.FirstAt) {
			t.Errorf("group %+v", g)
		}
		if i > 0 && g.Count > groups[i-1].Count {
			t.Errorf("the groups are not the largest first: %+v", groups)
		}
		for _, id := range ids {
			if g.Step == "index" && strings.Contains(g.Error, id) {
				t.Errorf("the group's text names row %s: %s", id, g.Error)
			}
		}
	}
	equal(t, "letters of index", counts["index"], 8)
	equal(t, "letters of notify", counts["notify"], 8)
	equal(t, "groups of index", len(read[groupsDoc](p, "/api/v1/dead-letters/groups?step=index").Groups), 1)
	if notify := read[groupsDoc](p, "/api/v1/dead-letters/groups?pipeline=github&step=notify").Groups; len(notify) > 2 {
		t.Errorf("two statuses with the same text make the groups %+v", notify)
	}
}

// number is something of an id that differs from row to row.
func number(id string) int { return int(id[len(id)-1]) }

func TestARowThatDiesAgainGetsANewLetter(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(http.StatusUnprocessableEntity))
	first := p.die(1)[0]
	o := p.ends(p.redrive(map[string]any{"pipeline": "github", "ids": []string{first.ID}, "reason": "again"}), "done")
	equal(t, "failed_again", o.FailedAgain, 1)
	list := p.letters("")
	if list.Total != 1 || list.DeadLetters[0].ID == first.ID || list.DeadLetters[0].Attempts != 2 || list.DeadLetters[0].Group != first.Group {
		t.Errorf("after %+v came %+v", first, list.DeadLetters)
	}
	if !list.DeadLetters[0].FirstFailedAt.Equal(*first.FirstFailedAt) && list.DeadLetters[0].FirstFailedAt.Before(*first.FirstFailedAt) {
		t.Errorf("first_failed_at went back to %s", list.DeadLetters[0].FirstFailedAt)
	}
}
