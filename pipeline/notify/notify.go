package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

const alarmsMost = 20 // in one message; the rest are counted

// Webhook posts a notice as JSON.
type Webhook struct {
	sender
	base string
}

// NewWebhook makes a notifier for any receiver of JSON. The base is what links
// begin with, empty for none.
func NewWebhook(address, base string) (*Webhook, error) {
	s, err := newSender(address)
	return &Webhook{sender: s, base: base}, err
}

type webhookAlarm struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	From     string `json:"from"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
	Link     string `json:"link,omitempty"`
}

// Notify posts {"at","text","alarms":[...],"held_back"}.
func (w *Webhook) Notify(ctx context.Context, n pipeline.Notice) error {
	alarms := make([]webhookAlarm, 0, len(n.Alarms))
	for _, a := range n.Alarms {
		alarms = append(alarms, webhookAlarm{Name: a.Name, Severity: a.Severity, From: a.From, State: a.To, Reason: a.Reason, Link: Link(w.base, a.Path)})
	}
	return w.post(ctx, struct {
		At       time.Time      `json:"at"`
		Text     string         `json:"text"`
		Alarms   []webhookAlarm `json:"alarms"`
		HeldBack int            `json:"held_back"`
	}{n.At, Headline(n), alarms, n.HeldBack})
}

// Slack posts a notice as text to an incoming webhook.
type Slack struct {
	sender
	base string
}

// NewSlack makes a notifier for a Slack incoming webhook.
func NewSlack(address, base string) (*Slack, error) {
	s, err := newSender(address)
	return &Slack{sender: s, base: base}, err
}

// Notify posts one message for all alarms of the notice.
func (s *Slack) Notify(ctx context.Context, n pipeline.Notice) error {
	var b strings.Builder
	b.WriteString(slackText(Headline(n)))
	for i, a := range n.Alarms {
		if i == alarmsMost {
			fmt.Fprintf(&b, "\nand %d more", len(n.Alarms)-alarmsMost)
			break
		}
		name := slackText(a.Name)
		if to := Link(s.base, a.Path); to != "" {
			name = "<" + escape(to) + "|" + strings.ReplaceAll(escape(a.Name), "|", "/") + ">"
		}
		fmt.Fprintf(&b, "\n• %s is %s (%s): %s", name, slackText(a.To), slackText(a.Severity), slackText(a.Reason))
	}
	if held := Held(n); held != "" {
		b.WriteString("\n" + held)
	}
	return s.post(ctx, map[string]any{"text": b.String(), "unfurl_links": false, "unfurl_media": false})
}

// Headline says in one line what changed.
func Headline(n pipeline.Notice) string {
	on, alarms := 0, Latest(n)
	for _, a := range alarms {
		if a.To == pipeline.AlarmOn {
			on++
		}
	}
	switch {
	case len(alarms) == 1 && on == 1:
		return "Redrive: alarm " + Clean(alarms[0].Name)
	case len(alarms) == 1:
		return "Redrive: alarm " + Clean(alarms[0].Name) + " is over"
	case on == 0:
		return fmt.Sprintf("Redrive: %d alarms are over", len(alarms))
	}
	return fmt.Sprintf("Redrive: %d alarms changed, %d are on", len(alarms), on)
}

// Latest is how the alarms of a notice stand: of one that changed to and fro the
// last change alone.
func Latest(n pipeline.Notice) []pipeline.NoticeAlarm {
	var alarms []pipeline.NoticeAlarm
	for i, a := range n.Alarms {
		later := func(b pipeline.NoticeAlarm) bool { return b.Name == a.Name }
		if !slices.ContainsFunc(n.Alarms[i+1:], later) {
			alarms = append(alarms, a)
		}
	}
	return alarms
}

// Held says in one line how many changes were told by this message alone, empty
// for none.
func Held(n pipeline.Notice) string {
	switch n.HeldBack {
	case 0:
		return ""
	case 1:
		return "1 more change was held back: what is here came after it."
	}
	return fmt.Sprintf("%d more changes were held back: what is here came after them.", n.HeldBack)
}
