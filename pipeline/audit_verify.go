package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AuditHead is the end of a chain as somebody noted it: the log must have it.
type AuditHead struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// ParseAuditHead reads NUMBER:HASH.
func ParseAuditHead(text string) (AuditHead, error) {
	number, hash, ok := strings.Cut(strings.TrimSpace(text), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	hash = strings.ToLower(hash)
	if !ok || err != nil || n < 1 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return AuditHead{}, invalid("head", fmt.Sprintf("%q is no head; it is a number and 64 hexadecimal digits, 12:9f86d0..., as the server logs it", text))
	}
	return AuditHead{Number: n, Hash: hash}, nil
}

func (h AuditHead) is(l Link) bool {
	return h.Number == l.Number && (h.Hash == l.Hash || h.Hash == l.Seal)
}

// AuditCheck is what verifying the audit log came to.
type AuditCheck struct {
	At      time.Time
	Entries int64
	Before  int64       // of them, from before there were chains: nothing vouches for them
	Chains  int         // more than one where each process writes its own
	Head    Link        // of the newest entry
	Bad     *AuditBreak // the first entry that is not as it should be; nil: all are
	Partial bool        // a bound was reached: what follows was not looked at
}

// AuditBreak is an entry that is not as it should be.
type AuditBreak struct {
	Chain  string
	Number int64
	ID     string // of a missing one: empty
	At     time.Time
	What   string // a clause: "is missing: ..."
}

// Sentence names the entry and what is wrong.
func (b AuditBreak) Sentence() string {
	var who strings.Builder
	fmt.Fprintf(&who, "entry %d", b.Number)
	if b.Number == 0 {
		who.Reset()
		who.WriteString("an entry without a number")
	}
	var more []string
	if b.ID != "" {
		more = append(more, b.ID)
	}
	if !b.At.IsZero() {
		more = append(more, b.At.UTC().Format(time.RFC3339Nano))
	}
	if b.Chain != "" {
		more = append(more, "chain "+b.Chain)
	}
	if len(more) > 0 {
		fmt.Fprintf(&who, " (%s)", strings.Join(more, ", "))
	}
	return who.String() + " " + b.What
}

// AuditBounds are how much a verification looks at; zero: everything.
type AuditBounds struct {
	Entries int64
	For     time.Duration
}

const (
	auditLost   = 10_000           // entries that may wait for one that is missing
	auditBehind = 15 * time.Minute // an entry is stored at most so long after the moment it says
	auditPasses = 3                // over what others wrote while the log was walked
)

// VerifyAudit walks the whole log and checks that every entry is as it was
// written and follows on the one before, and that the heads which are kept in
// records and those given are there. It reads only, holds little at a time, and
// may run while entries are written.
func VerifyAudit(ctx context.Context, log AuditLog, records RecordStore, bounds AuditBounds, heads ...AuditHead) (AuditCheck, error) {
	v := auditVerifier{began: time.Now(), bounds: bounds, chains: map[string]*auditChain{}, given: heads, found: make([]bool, len(heads))}
	kept, err := keptHeads(ctx, records) // before the walk: it then has all of them
	if err != nil {
		return AuditCheck{}, err
	}
	for _, k := range kept {
		c := v.chain(k.Chain)
		c.kept = append(c.kept, k.AuditHead)
	}
	for e, err := range log.Walk(ctx, time.Time{}) {
		if err != nil {
			return AuditCheck{}, err
		}
		if v.check.Partial = v.enough(); v.check.Partial || v.lost > auditLost {
			break
		}
		v.see(&e)
	}
	for range auditPasses {
		if v.lost == 0 || v.lost > auditLost || v.check.Partial {
			break
		}
		if err := v.again(ctx, log); err != nil {
			return AuditCheck{}, err
		}
	}
	return v.verdict(), nil
}

// auditVerifier is one verification under way.
type auditVerifier struct {
	began  time.Time
	bounds AuditBounds
	check  AuditCheck
	chains map[string]*auditChain
	linked bool // an entry of a chain was seen
	lost   int  // entries that wait for one before them
	worst  *auditPoint
	given  []AuditHead
	found  []bool
}

// auditChain is how far one chain was followed.
type auditChain struct {
	last    Link
	seen    bool
	waiting map[int64]auditPoint // for an entry before them
	kept    []AuditHead
}

// auditPoint is what is remembered of an entry, and what is wrong with it.
type auditPoint struct {
	link  Link
	id    string
	at    time.Time
	order int64 // in the walk
	what  string
}

func (v *auditVerifier) chain(name string) *auditChain {
	c := v.chains[name]
	if c == nil {
		c = &auditChain{last: Link{Chain: name}, waiting: map[int64]auditPoint{}}
		v.chains[name] = c
	}
	return c
}

func (v *auditVerifier) enough() bool {
	return v.bounds.Entries > 0 && v.check.Entries >= v.bounds.Entries ||
		v.bounds.For > 0 && v.check.Entries%100 == 0 && time.Since(v.began) > v.bounds.For
}

// see takes the next entry of the walk.
func (v *auditVerifier) see(e *Entry) {
	v.check.Entries++
	p := auditPoint{link: e.Link, id: e.ID, at: e.At, order: v.check.Entries}
	if e.Link.Number == 0 {
		v.check.Before++
		if v.linked {
			v.wrong(p, "is part of no chain: it was put in, or its link was taken away")
		}
		return
	}
	v.linked = true
	c := v.chain(e.Link.Chain)
	c.seen, v.check.Head = true, e.Link
	if !e.intact() {
		v.wrong(p, "was changed: it does not match its hash")
	}
	_, twice := c.waiting[p.link.Number]
	switch next := c.last.Number + 1; {
	case p.link.Number < next || twice:
		v.wrong(p, "is out of order: another entry has its number")
	case p.link.Number > next:
		c.waiting[p.link.Number] = p
		v.lost++
	default:
		v.follow(c, p)
	}
}

// follow takes an entry that is the next of its chain, and those that waited
// for it.
func (v *auditVerifier) follow(c *auditChain, p auditPoint) {
	for ok := true; ok; {
		if p.link.Previous != c.last.Hash && p.link.Previous != c.last.Seal {
			v.wrong(p, fmt.Sprintf("does not follow on entry %d: one of them was replaced", c.last.Number))
		}
		c.last = p.link
		for _, h := range c.kept {
			if h.Number == p.link.Number && !h.is(p.link) {
				v.wrong(p, "is not the one whose hash was noted: it was replaced")
			}
		}
		for i, h := range v.given {
			v.found[i] = v.found[i] || h.is(p.link)
		}
		if p, ok = c.waiting[c.last.Number+1]; ok {
			delete(c.waiting, p.link.Number)
			v.lost--
		}
	}
}

// again looks for entries that were stored behind the walk's back: their time
// lies before that of others which were stored after them.
func (v *auditVerifier) again(ctx context.Context, log AuditLog) error {
	var since time.Time
	for _, c := range v.chains {
		for _, p := range c.waiting {
			if since.IsZero() || p.at.Before(since) {
				since = p.at
			}
		}
	}
	for e, err := range log.Walk(ctx, since.Add(-auditBehind)) {
		if err != nil {
			return err
		}
		c := v.chains[e.Link.Chain]
		if c == nil || len(c.waiting) == 0 || e.Link.Number != c.last.Number+1 {
			continue
		}
		v.check.Entries++
		p := auditPoint{link: e.Link, id: e.ID, at: e.At, order: v.check.Entries}
		if !e.intact() {
			v.wrong(p, "was changed: it does not match its hash")
		}
		v.follow(c, p)
	}
	return nil
}

// wrong remembers the first of what is wrong.
func (v *auditVerifier) wrong(p auditPoint, what string) {
	if v.worst == nil || p.order < v.worst.order {
		p.what = what
		v.worst = &p
	}
}

func (v *auditVerifier) verdict() AuditCheck {
	v.check.At = v.began.UTC()
	for _, c := range v.chains {
		if c.seen {
			v.check.Chains++
		}
	}
	if !v.check.Partial || v.lost > auditLost {
		v.gaps()
	}
	if v.worst == nil && !v.check.Partial {
		v.ends()
	}
	if p := v.worst; p != nil {
		v.check.Bad = &AuditBreak{Chain: p.link.Chain, Number: p.link.Number, ID: p.id, At: p.at, What: p.what}
	}
	return v.check
}

// gaps are missing entries: others wait for them.
func (v *auditVerifier) gaps() {
	for _, c := range v.chains {
		var first *auditPoint
		for n, p := range c.waiting {
			if first == nil || n < first.link.Number {
				first = &p
			}
		}
		if first != nil {
			v.wrong(auditPoint{link: Link{Chain: c.last.Chain, Number: c.last.Number + 1}, order: first.order},
				fmt.Sprintf("is missing: the next that is kept is entry %d (%s, %s)", first.link.Number, first.id, first.at.UTC().Format(time.RFC3339Nano)))
		}
	}
}

// ends looks for heads that the log does not have.
func (v *auditVerifier) ends() {
	for _, c := range v.chains {
		for _, h := range c.kept {
			if h.Number > c.last.Number {
				v.cut(c, h)
			}
		}
	}
	for i, h := range v.given {
		if v.found[i] || v.worst != nil {
			continue
		}
		if only := v.chains[""]; len(v.chains) <= 1 && (only != nil || len(v.chains) == 0) && h.Number > v.chain("").last.Number {
			v.cut(v.chain(""), h)
			continue
		}
		v.wrong(auditPoint{link: Link{Number: h.Number}}, "of the head "+cutHash(h.Hash)+" that was given is not in the log: it was replaced, or its chain was cut off")
	}
}

func (v *auditVerifier) cut(c *auditChain, h AuditHead) {
	v.wrong(auditPoint{link: Link{Chain: c.last.Chain, Number: c.last.Number + 1}, order: h.Number},
		fmt.Sprintf("is missing: the log was cut off at its end, it went on to entry %d at least", h.Number))
}

func cutHash(hash string) string { return cmp.Or(hash[:min(len(hash), 12)], "?") + "…" }
