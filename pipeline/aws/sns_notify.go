package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"redrive/pipeline"
	"redrive/pipeline/notify"
)

const (
	publishTries = 3
	publishPause = 500 * time.Millisecond // between two of them, at most
	smsHourly    = 30                     // messages to a phone within an hour
	subjectMost  = 100
	linesMost    = 20 // alarms in one message to a topic; the rest are counted
)

// SMS tells of alarms through SNS: a text to one phone, or a message to
// everybody who subscribed to a topic.
type SMS struct {
	client *sns.Client
	phone  string
	topic  string
	base   string

	mu   sync.Mutex
	sent []time.Time // to the phone, within the last hour
}

// NewSMS makes a notifier for a phone, or for a topic, whose ARN may be of
// another region. The base is what links begin with, empty for none.
func NewSMS(a *Account, phone, topic, base string) *SMS {
	client := sns.NewFromConfig(a.sdk, func(o *sns.Options) {
		o.Region = regionOf(topic, a.Region())
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = publishTries, publishPause
			// A message that was throttled did not arrive; any other may have.
			o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) sdkaws.Ternary {
				return sdkaws.BoolTernary(isBusy(codeOf(err)))
			})}
		})
	})
	return &SMS{client: client, phone: phone, topic: topic, base: base}
}

// Notify sends one message for all alarms of the notice. A message that may
// have arrived is never repeated. Its errors never carry the phone's number.
func (s *SMS) Notify(ctx context.Context, n pipeline.Notice) error {
	in, err := s.message(n)
	if err != nil {
		return err
	}
	if _, err := s.client.Publish(ctx, in); err != nil {
		return s.reason(err)
	}
	return nil
}

func (s *SMS) message(n pipeline.Notice) (*sns.PublishInput, error) {
	kind := map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SMSType": {DataType: new("String"), StringValue: new("Transactional")}}
	if s.topic == "" {
		if !s.spend(time.Now()) {
			return nil, fmt.Errorf("not sent: %d messages went to this phone within an hour", smsHourly)
		}
		return &sns.PublishInput{PhoneNumber: &s.phone, Message: new(smsText(n, s.base)), MessageAttributes: kind}, nil
	}
	texts, err := json.Marshal(map[string]string{"default": topicText(n, s.base), "sms": smsText(n, s.base)})
	if err != nil {
		return nil, err
	}
	return &sns.PublishInput{TopicArn: &s.topic, Subject: new(subject(n)), Message: new(string(texts)), MessageStructure: new("json"), MessageAttributes: kind}, nil
}

// spend tells whether one more message may go to the phone: each costs money,
// and nobody reads more.
func (s *SMS) spend(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.sent) > 0 && now.Sub(s.sent[0]) >= time.Hour {
		s.sent = s.sent[1:]
	}
	if len(s.sent) >= smsHourly {
		return false
	}
	s.sent = append(s.sent, now)
	return true
}

// reason says what went wrong. It quotes nothing: SNS repeats the number.
func (s *SMS) reason(err error) error {
	to := "the phone of this route"
	if s.topic != "" {
		to = "topic " + s.topic[strings.LastIndex(s.topic, ":")+1:]
	}
	timeout, network := errors.AsType[net.Error](err)
	switch code := codeOf(err); {
	case code == "" && unsent(err):
		return errors.New("could not connect to SNS")
	case errors.Is(err, context.DeadlineExceeded), code == "" && network && timeout.Timeout():
		return errors.New("no answer in time; it may have arrived, so it is not sent again")
	case code == "":
		return errors.New("no whole answer from SNS; it may have arrived, so it is not sent again")
	case isBusy(code):
		return errors.New("SNS throttles messages to " + to)
	case code == "NotFound" || code == "NotFoundException":
		return errors.New(to + " does not exist")
	case code == "OptedOut" || code == "OptedOutException":
		return errors.New(to + " opted out of messages")
	case code == "InvalidParameter" || code == "InvalidParameterException":
		return errors.New("SNS does not take a message to " + to + ": is it written as +14155550100, and may this account send to it?")
	default:
		return errors.New(sentence(err, "sns:Publish", to))
	}
}

// unsent tells whether a request never left.
func unsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	_, lookup := errors.AsType[*net.DNSError](err)
	return ok && op.Op == "dial" || lookup
}

// subject is the headline as SNS takes it: one line of ASCII.
func subject(n pipeline.Notice) string {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, notify.Headline(n))
	return line[:min(len(line), subjectMost)]
}

// topicText is an alarm a line.
func topicText(n pipeline.Notice, base string) string {
	var b strings.Builder
	b.WriteString(notify.Headline(n) + "\n")
	for i, a := range n.Alarms {
		if i == linesMost {
			fmt.Fprintf(&b, "\nand %d more", len(n.Alarms)-linesMost)
			break
		}
		fmt.Fprintf(&b, "\n%s is %s (%s): %s", notify.Inert(a.Name), notify.Clean(a.To), notify.Clean(a.Severity), notify.Inert(a.Reason))
		if to := notify.Link(base, a.Path); to != "" {
			b.WriteString("\n" + to)
		}
	}
	if held := notify.Held(n); held != "" {
		b.WriteString("\n\n" + held)
	}
	return b.String()
}
