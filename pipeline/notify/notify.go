package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"redrive/pipeline"
)

const (
	answerMost = 4 << 10
	alarmsMost = 20 // in one message; the rest are counted
)

// sender posts JSON to one address and follows no redirect.
type sender struct {
	url    string
	client *http.Client
}

func newSender(address string) (sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return sender{}, errors.New("the address of a route is an http or https URL")
	}
	client := &http.Client{
		Timeout:       8 * time.Second,
		Transport:     &http.Transport{Proxy: nil, MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return sender{url: address, client: client}, nil
}

// post sends once. Its errors never carry the address, which is a secret.
func (s sender) post(ctx context.Context, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		return errors.New("the address of this route cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "redrive")
	res, err := s.client.Do(req)
	if err != nil {
		return reason(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, answerMost)) //nolint:errcheck // only to reuse the connection
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

// reason says what went wrong without the address.
func reason(err error) error {
	var uerr *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &uerr) && uerr.Timeout():
		return errors.New("no answer in time; it may have arrived, so it is not sent again")
	case errors.As(err, &uerr):
		return errors.New("could not connect: " + Clean(uerr.Err.Error()))
	}
	return errors.New("could not be sent")
}

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

// Notify posts {"at","text","alarms":[...]}.
func (w *Webhook) Notify(ctx context.Context, n pipeline.Notice) error {
	alarms := make([]webhookAlarm, 0, len(n.Alarms))
	for _, a := range n.Alarms {
		alarms = append(alarms, webhookAlarm{Name: a.Name, Severity: a.Severity, From: a.From, State: a.To, Reason: a.Reason, Link: Link(w.base, a.Path)})
	}
	return w.post(ctx, struct {
		At     time.Time      `json:"at"`
		Text   string         `json:"text"`
		Alarms []webhookAlarm `json:"alarms"`
	}{n.At, Headline(n), alarms})
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
	b.WriteString(escape(Headline(n)))
	for i, a := range n.Alarms {
		if i == alarmsMost {
			fmt.Fprintf(&b, "\nand %d more", len(n.Alarms)-alarmsMost)
			break
		}
		name := escape(a.Name)
		if to := Link(s.base, a.Path); to != "" {
			name = "<" + escape(to) + "|" + strings.ReplaceAll(name, "|", "/") + ">"
		}
		fmt.Fprintf(&b, "\n• %s is %s (%s): %s", name, escape(a.To), escape(a.Severity), escape(a.Reason))
	}
	return s.post(ctx, map[string]string{"text": b.String()})
}

// Headline says in one line what changed.
func Headline(n pipeline.Notice) string {
	on := 0
	for _, a := range n.Alarms {
		if a.To == pipeline.AlarmOn {
			on++
		}
	}
	switch {
	case len(n.Alarms) == 1 && on == 1:
		return "Redrive: alarm " + Clean(n.Alarms[0].Name)
	case len(n.Alarms) == 1:
		return "Redrive: alarm " + Clean(n.Alarms[0].Name) + " is over"
	case on == 0:
		return fmt.Sprintf("Redrive: %d alarms are over", len(n.Alarms))
	}
	return fmt.Sprintf("Redrive: %d alarms changed, %d are on", len(n.Alarms), on)
}

// Link is the address of a page below the console's base, empty without a base.
func Link(base, path string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/" + path
}

// escape makes text safe in a Slack message: no pings, no links, no marks that
// turn the writing around.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(Clean(s))
}

// Clean takes control characters and marks that turn the writing around out of
// a text from outside.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
}
