package views

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// QueueProps is one queue: what is in it, what was seen of it, what is being
// done to it.
type QueueProps struct {
	Page
	Queue    pipeline.Queue
	Others   []pipeline.Queue // of the list, for links
	Look     pipeline.QueueLook
	Copies   []pipeline.QueueCopy
	Query    string
	Sight    pipeline.Sight // how Copies are shown
	List     Listing
	Moves    []pipeline.QueueMove // newest first
	Selected QueueMoveForm        // around the ticked messages
	All      QueueMoveForm
	Browse   QueueLookForm
	Purge    QueueLookForm
	Act      ActForm // on a move
	ActOn    string  // its id
}

// QueueMoveForm redrives messages.
type QueueMoveForm struct {
	Targets []Choice
	Ticked  map[string]bool
	Rate    string
	Native  bool
	Reason  string
	Error   string
	For     string // the field the error is about
}

// QueueLookForm is the form of a look or a purge.
type QueueLookForm struct{ Max, Reason, Error string }

func (p QueueProps) href(parts ...string) templ.SafeURL { return p.queueHref(p.Queue.Name, parts...) }

func (p QueueProps) linked(name string) bool {
	for _, q := range p.Others {
		if q.Name == name {
			return true
		}
	}
	return false
}

// busy is the move that has the queue; one runs at a time.
func (p QueueProps) busy() *pipeline.QueueMove {
	for i := range p.Moves {
		if !p.Moves[i].State.Final() {
			return &p.Moves[i]
		}
	}
	return nil
}

// latest is a move that ended within the last hour: its outcome is news.
func (p QueueProps) latest() *pipeline.QueueMove {
	if len(p.Moves) > 0 && p.Moves[0].State.Final() && p.Now.Sub(p.Moves[0].FinishedAt) < time.Hour {
		return &p.Moves[0]
	}
	return nil
}

// closed is why nothing can be moved or deleted now; empty: it can.
func (p QueueProps) closed() string {
	switch m := p.busy(); {
	case p.Queue.Error != "":
		return "Nothing is known of this queue."
	case m != nil:
		return "A redrive of this queue is " + string(m.State) + "; one at a time."
	default:
		return ""
	}
}

func (p QueueProps) moves() QueuesProps {
	return QueuesProps{Page: p.Page, Dead: p.Others}
}

// related tells whether others give up into it, or it into another.
func (p QueueProps) related() bool {
	return len(p.Queue.Sources) > 0 || p.Queue.DeadLetterQueue != ""
}

func (p QueueProps) facts() []Fact {
	q := p.Queue
	facts := []Fact{
		{Label: "Visible, about", Value: Count(q.Visible), Note: "wait for a reader"},
		{Label: "In flight, about", Value: Count(q.InFlight), Note: "in somebody’s hands"},
		{Label: "Delayed, about", Value: Count(q.Delayed), Note: "not to be read yet"},
	}
	if q.Visible > 0 {
		facts[0].Tone = queueTone(q)
	}
	if q.MaxReceives > 0 {
		facts = append(facts, Fact{Label: "Gives up after", Value: Plural(q.MaxReceives, "receive", "receives"), Note: "each look counts as one"})
	}
	if q.Retention > 0 {
		facts = append(facts, Fact{Label: "Kept by SQS", Value: Long(q.Retention), Note: "from when it was sent"})
	}
	if !p.Look.At.IsZero() {
		facts = append(facts, Fact{Label: "Last look", Value: Age(p.Now.Sub(p.Look.At)) + " ago", Note: Count(p.Look.Seen) + " seen, " + Count(p.Look.New) + " of them new, by " + p.Look.By})
	}
	return facts
}

// effect is what a look does, said before it is done.
func (p QueueProps) effect() string {
	text := "SQS shows a message only to whoever takes it. A look takes each message, copies it here and gives it back: its receive count goes up by one, and its readers do not get it for some seconds, 30 at most."
	switch q := p.Queue; {
	case q.DeadLetterQueue != "":
		text += " A look counts as one of the " + Count(q.MaxReceives) + " receives after which this queue gives up: one that has had them all goes to " + q.DeadLetterQueue + " instead of being shown."
	case q.FIFO:
		text += " In a FIFO queue all later messages of its group wait too."
	}
	return text
}

// inLastLook tells whether a copy is from the last look, and nothing was purged
// since.
func (p QueueProps) inLastLook(c pipeline.QueueCopy) bool {
	return !p.Look.At.IsZero() && c.SeenAt.Equal(p.Look.At) && p.Look.PurgedAt.Before(p.Look.At)
}

// goneText is what is known of a message that was not in the last look.
func (p QueueProps) goneText(c pipeline.QueueCopy) string {
	switch {
	case c.MovedTo != "":
		return "sent to " + c.MovedTo
	case p.Look.PurgedAt.After(c.SeenAt):
		return "purged since"
	case p.Look.All:
		return "not in the last look"
	default:
		return "not among the last look’s " + Count(p.Look.Seen)
	}
}

// mayMove tells whether a copy can be chosen: not what we have sent or deleted.
func (p QueueProps) mayMove(c pipeline.QueueCopy) bool {
	return c.MovedTo == "" && !p.Look.PurgedAt.After(c.SeenAt)
}

func (p QueueProps) listTitle() string {
	if p.Query != "" {
		return "Messages seen that contain “" + Clip(p.Query, 60) + "”"
	}
	return "Messages seen"
}

func (p QueueProps) empty() Nothing {
	switch {
	case p.Query != "":
		return Nothing{Icon: "search", Title: "No message that was seen contains this", Text: "Only copies of the last two weeks are searched: in ids, bodies and attributes. Look again to copy what came since.",
			Action: &Action{Label: "Show all that was seen", Href: p.href()}}
	case p.Look.At.IsZero():
		return Nothing{Icon: "queue", Title: "Nobody has looked inside", Text: "This page has taken no message. The first look copies what it sees; reading and searching the copies costs nothing and changes nothing more."}
	default:
		return Nothing{Icon: "queue", Title: "Nothing was seen", Text: "The last look found no message. Some may be in flight or delayed."}
	}
}

// about is the depth a button speaks of.
func (p QueueProps) about() string {
	return "about " + Plural(p.Queue.Depth(), "message", "messages")
}

// seen is how much there was when this page was made, for forms that are held
// against it.
func (p QueueProps) seen() []Hidden {
	return []Hidden{{Name: "previewed", Value: strconv.FormatInt(p.Queue.Depth(), 10)}}
}

// setAside is the reason a message of our own was put here with, if it says so.
func setAside(m pipeline.QueueMessage) string {
	for _, a := range m.Attributes {
		if a.Name == "Redrive-Reason" {
			return string(a.Value)
		}
	}
	return ""
}

// QueueMessageProps is one message as it was seen.
type QueueMessageProps struct {
	QueueProps
	Copy   pipeline.QueueCopy
	Body   Document
	Masked bool
}

func moveTone(s pipeline.MoveState) (Tone, string) {
	switch s {
	case pipeline.MoveRunning:
		return Live, "f-running"
	case pipeline.MovePaused:
		return Hold, "f-held"
	case pipeline.MoveStopped, pipeline.MoveFailed:
		return Fault, "a-alarm"
	case pipeline.MoveDone:
		return Plain, "f-processed"
	default:
		return Plain, "f-skipped"
	}
}

func moveTitle(m pipeline.QueueMove) string {
	what := "Redrive " + Plural(m.Matched, "selected message", "selected messages")
	if m.All {
		what = "Redrive all, about " + Count(m.Matched)
	}
	return what + " to " + moveTarget(m)
}

func moveTarget(m pipeline.QueueMove) string {
	if m.To == "" {
		return "where they came from"
	}
	return m.To
}

func moveText(m pipeline.QueueMove) string {
	text := Count(m.Moved) + " of "
	if m.All {
		text += "about "
	}
	return text + Count(max(m.Matched, m.Moved)) + " moved"
}

func moveParts(m pipeline.QueueMove) []ProgressPart {
	var skipped int64
	for _, s := range m.Skipped {
		skipped += s.Count
	}
	return []ProgressPart{{N: m.Moved, Kind: "ok"}, {N: m.Missing, Kind: "warn"}, {N: skipped, Kind: "skip"}}
}

// moveHow is how a move works, in a line under its title.
func moveHow(m pipeline.QueueMove) string {
	how := "one by one, " + RateText(m.Rate)
	if m.Native {
		how = "SQS’s own move"
		if m.Rate > 0 {
			how += ", " + Rate(m.Rate)
		}
	}
	text := m.By + ": “" + Clip(m.Reason, 80) + "”, " + how
	if !m.FinishedAt.IsZero() {
		text += ", took " + Duration(max(time.Second, m.FinishedAt.Sub(m.StartedAt)))
	}
	return text
}

// moveNotes is everything of a move that a person has to know.
func moveNotes(m pipeline.QueueMove) []string {
	var notes []string
	if m.Trouble != "" {
		notes = append(notes, "It waits: "+m.Trouble+".")
	}
	if m.StopReason != "" {
		notes = append(notes, capital(m.StopReason)+".")
	}
	if m.Missing > 0 {
		notes = append(notes, Plural(m.Missing, "selected message was", "selected messages were")+" not found any more: "+Clip(strings.Join(m.Open, ", "), 200)+".")
	}
	for _, s := range m.Skipped {
		notes = append(notes, Count(s.Count)+" left: "+s.Why+".")
	}
	if m.Twice > 0 {
		notes = append(notes, Count(m.Twice)+" may be in "+moveTarget(m)+" twice: an answer was lost between sending and deleting.")
	}
	return notes
}

func (p QueueProps) act(id, verb string) ActForm {
	if p.ActOn == id && p.Act.Verb == verb {
		return p.Act
	}
	return ActForm{}
}

// queuesExample is what makes a queue appear.
const queuesExample = `queues:
  - {name: orders-dlq}
  - {prefix: legacy-}`

// refusal is why a form of this page was not accepted, for the top of it.
func (p QueueProps) refusal() string {
	for _, text := range []string{p.Selected.Error, p.All.Error, p.Browse.Error, p.Purge.Error, p.Act.Error} {
		if text != "" {
			return text
		}
	}
	return ""
}

// past are the moves that are over, at most ten.
func (p QueueProps) past() []pipeline.QueueMove {
	var list []pipeline.QueueMove
	for _, m := range p.Moves {
		if m.State.Final() && len(list) < 10 {
			list = append(list, m)
		}
	}
	return list
}

func (p QueueProps) resumeRate(m pipeline.QueueMove) string {
	if a := p.act(m.ID, "resume"); a.Rate != "" {
		return a.Rate
	}
	return strconv.FormatFloat(m.Rate, 'f', -1, 64)
}

// bodyShown is the line of a list a message is recognised by.
func (p QueueProps) bodyShown(c pipeline.QueueCopy) string {
	if p.Sight == pipeline.Withheld {
		return "(for operators)"
	}
	if strings.TrimSpace(c.Body) == "" {
		return "(blank)"
	}
	return c.Body
}

func attributeText(a pipeline.QueueAttribute) string {
	if strings.HasPrefix(a.Type, "Binary") || !utf8.Valid(a.Value) {
		return base64.StdEncoding.EncodeToString(a.Value)
	}
	return string(a.Value)
}
