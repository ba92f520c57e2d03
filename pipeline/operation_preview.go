package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// Preview is what an operation is about, in a form that can be carried from the
// look to the deed: how many it matches, up to which letter or moment, and a
// digest of how they were chosen. An operation that is started with it is about
// the very same, without what came since, or does not start.
func (o Operation) Preview() string { return o.preview }

// preview is a Preview taken apart.
type preview struct {
	matched, eligible int64
	chosen            string // digest of the selector, and of a replay's rows
	upTo              string // newest letter there was
	until             time.Time
}

func (o *Operation) previewed(chosen Selector) preview {
	p := preview{matched: o.Matched, eligible: o.Eligible, upTo: o.UpTo, until: o.StartedAt, chosen: digestOf(chosen)}
	if o.rows != nil {
		p.chosen += "-" + short(o.rows)
	}
	return p
}

func digestOf(s Selector) string {
	text, _ := json.Marshal(s) // of texts, times and numbers
	sum := sha256.New()
	sum.Write(text)
	return short(sum)
}

func short(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)[:12]) }

func (p preview) String() string {
	return fmt.Sprintf("%d.%d.%s.%d.%s", p.matched, p.eligible, p.chosen, p.until.UnixMilli(), p.upTo)
}

func readPreview(text string) (preview, error) {
	parts := strings.SplitN(text, ".", 5)
	if len(parts) == 5 && len(text) < 300 {
		matched, e1 := strconv.ParseInt(parts[0], 10, 64)
		eligible, e2 := strconv.ParseInt(parts[1], 10, 64)
		until, e3 := strconv.ParseInt(parts[3], 10, 64)
		if e1 == nil && e2 == nil && e3 == nil {
			return preview{matched: matched, eligible: eligible, chosen: parts[2], until: time.UnixMilli(until).UTC(), upTo: parts[4]}, nil
		}
	}
	return preview{}, invalid("previewed", "what this form carries of the plan cannot be read; load the page again")
}

// bound leaves out of an operation what came after its preview.
func (p preview) bound(op *Operation) {
	op.UpTo = p.upTo
	if op.Kind == OpReplay && (op.Selector.Until.IsZero() || op.Selector.Until.After(p.until)) {
		op.Selector.Until = p.until
	}
}

// holds tells whether an operation is about what its preview was about. A replay
// may have less left to do: what ran meanwhile is not run again.
func (p preview) holds(op *Operation, chosen Selector) error {
	now := op.previewed(chosen)
	switch {
	case strings.Split(now.chosen, "-")[0] != strings.Split(p.chosen, "-")[0]:
		return changed("something else is chosen than when the plan was made")
	case now.matched != p.matched:
		return changed(fmt.Sprintf("what it is about has changed since the plan was made: %d matched then, %d of them now", p.matched, now.matched))
	case op.Kind == OpReplay && (now.chosen != p.chosen || now.eligible > p.eligible):
		return changed(fmt.Sprintf("what it is about has changed since the plan was made: %d could run then, %d now", p.eligible, now.eligible))
	}
	return nil
}

func changed(text string) error {
	return &Error{Code: CodeConflict, Field: "previewed", Text: text + "; nothing was done, look at the new plan and repeat"}
}
