package awstest

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// SNSFake keeps what is published.
type SNSFake struct {
	*Server

	mu        sync.Mutex
	topics    map[string]map[string]string // attributes by ARN
	published []Publication
}

// Publication is one message to a phone or a topic.
type Publication struct {
	PhoneNumber, TopicARN, Subject, Message string
	Attributes                              map[string]string // texts
}

// SNS starts a fake that ends with the test.
func SNS(t testing.TB) *SNSFake {
	t.Helper()
	f := &SNSFake{topics: map[string]map[string]string{}}
	s := &service{
		refuse:     refuseQuery,
		throttling: []Refusal{{400, "Throttling", "Rate exceeded"}, {429, "Throttled", "Rate exceeded"}},
		broken:     Refusal{500, "InternalError", "Internal error"},
		denied: func(c *Call) Refusal {
			in := form(c)
			resource := in.Get("TopicArn") + in.Get("PhoneNumber")
			if name := in.Get("Name"); name != "" {
				resource = arn("sns", name)
			}
			return Refusal{403, "AuthorizationError", notAuthorized("SNS:"+c.Action, resource)}
		},
	}
	f.Server = serve(t, nameQuery(s, "SNS"), f.answer)
	return f
}

// AddTopic makes a topic and returns its ARN.
func (f *SNSFake) AddTopic(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addTopic(name, nil)
}

func (f *SNSFake) addTopic(name string, attributes map[string]string) string {
	arn := arn("sns", name)
	if f.topics[arn] == nil {
		f.topics[arn] = map[string]string{"TopicArn": arn, "Owner": AccountID}
		maps.Copy(f.topics[arn], attributes)
	}
	return arn
}

// Topics lists ARNs.
func (f *SNSFake) Topics() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.topics))
}

// Published lists what was published, oldest first.
func (f *SNSFake) Published() []Publication {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.published)
}

func (f *SNSFake) answer(c *Call) *Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := form(c)
	switch c.Action {
	case "CreateTopic":
		return answerQuery(c, text("TopicArn", f.addTopic(in.Get("Name"), entries(in, "Attributes", "key", "value"))))
	case "GetTopicAttributes":
		return f.getTopicAttributes(c, in)
	case "Publish":
		return f.publish(c, in)
	default:
		return refuseQuery(c, Refusal{400, "InvalidAction", "The fake of SNS does not know " + c.Action + "."})
	}
}

func (f *SNSFake) getTopicAttributes(c *Call, in url.Values) *Answer {
	attributes, ok := f.topics[in.Get("TopicArn")]
	if !ok {
		return refuseQuery(c, Refusal{404, "NotFound", "Topic does not exist"})
	}
	var list []field
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		list = append(list, element("entry", text("key", key), text("value", attributes[key])))
	}
	return answerQuery(c, element("Attributes", list...))
}

func (f *SNSFake) publish(c *Call, in url.Values) *Answer {
	p := Publication{
		PhoneNumber: in.Get("PhoneNumber"), TopicARN: in.Get("TopicArn"), Subject: in.Get("Subject"), Message: in.Get("Message"),
		Attributes: entries(in, "MessageAttributes", "Name", "Value.StringValue"),
	}
	switch {
	case p.Message == "":
		return refuseQuery(c, Refusal{400, "InvalidParameter", "Invalid parameter: Empty message"})
	case p.TopicARN == "" && !regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`).MatchString(p.PhoneNumber):
		return refuseQuery(c, Refusal{400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: " + p.PhoneNumber + " is not valid to publish to"})
	case p.TopicARN != "" && f.topics[p.TopicARN] == nil:
		return refuseQuery(c, Refusal{404, "NotFound", "Topic does not exist"})
	}
	f.published = append(f.published, p)
	return answerQuery(c, text("MessageId", fmt.Sprintf("message-%d", len(f.published))))
}

// entries reads a map from a form: Name.entry.1.key and Name.entry.1.value.
func entries(in url.Values, name, key, value string) map[string]string {
	var m map[string]string
	for i := 1; ; i++ {
		at := fmt.Sprintf("%s.entry.%d.", name, i)
		if !in.Has(at + key) {
			return m
		}
		if m == nil {
			m = map[string]string{}
		}
		m[in.Get(at+key)] = in.Get(at + value)
	}
}
