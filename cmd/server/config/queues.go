package config

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

const maxQueueName = 80

var (
	queuePrefixForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	queueForm       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}(\.fifo)?$`)
)

func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }

// queueName reads the name a queue has on SQS.
func queueName(text string) (string, *fault) {
	switch {
	case strings.Contains(text, ":"):
		return "", &fault{"is not the name of an SQS queue", "write the name alone, without URL or ARN"}
	case !queueForm.MatchString(text) || len(text) > maxQueueName:
		return "", &fault{"is not the name of an SQS queue", "use letters, digits, - and _, at most 80 of them"}
	}
	return text, nil
}

// queuePrefix reads what the names of queues begin with.
func queuePrefix(text string) (string, *fault) {
	if !queuePrefixForm.MatchString(text) {
		return "", &fault{"cannot begin the names of queues", "use letters, digits, - and _, at least one and at most 80 of them"}
	}
	return text, nil
}

// queueTarget reads the name or the URL of a queue to send to. A FIFO queue asks
// for a message group, and a row has none.
func queueTarget(text string) (string, *fault) {
	name := text
	if strings.Contains(text, "/") {
		u, err := url.Parse(text)
		if _, f := httpURL(text); f != nil || err != nil || u.RawQuery != "" || u.Scheme == "http" && !isLoopback(u.Hostname()) {
			return "", &fault{"is not the URL of an SQS queue", "write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, or the name alone"}
		}
		name = path.Base(u.Path)
	}
	if isFIFO(name) {
		return "", &fault{"is a FIFO queue, and rows have no message group", "name a standard queue"}
	}
	if strings.HasPrefix(text, "arn:") || !queueForm.MatchString(name) {
		return "", &fault{"is not an SQS queue", "write its name or its https URL"}
	}
	return text, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// foreignQueues reads which queues that are not ours the console shows.
func foreignQueues(s *section) []ForeignQueue {
	items, _ := s.items("queues")
	if e, _ := s.get("queues"); len(items) > 0 && s.r.backend == "embedded" {
		s.r.mistake(e.line, "set backend: aws or take it out", "queues are looked for on SQS, and the backend is embedded")
	}
	var qs []ForeignQueue
	lines := map[ForeignQueue]int{}
	for _, n := range items {
		below := s.r.section("queue", lineOf(n), n)
		q := foreignQueue(below)
		if q == (ForeignQueue{}) {
			continue
		}
		if earlier, twice := lines[q]; twice {
			s.r.mistake(below.line, "keep one of them", "queues has %s %q twice, the other in line %d", q.kind(), q.Name+q.Prefix, earlier)
		}
		lines[q] = below.line
		s.r.queues.foreign = append(s.r.queues.foreign, queueUse{queue: q.Name, prefix: q.Prefix, line: below.line})
		qs = append(qs, q)
	}
	return qs
}

func foreignQueue(s *section) ForeignQueue {
	defer s.close()
	q := ForeignQueue{
		Name:   read(s, "name", "", queueName),
		Prefix: read(s, "prefix", "", queuePrefix),
	}
	_, name := s.get("name")
	e, prefix := s.get("prefix")
	switch {
	case name && prefix:
		s.r.mistake(e.line, "keep one of the two", "queue has both name and prefix")
		return ForeignQueue{}
	case !name && !prefix && !s.broken:
		s.r.mistake(s.line, "add name: or prefix:", "queue has neither name nor prefix")
	}
	return q
}

func (q ForeignQueue) kind() string {
	if q.Name != "" {
		return "name"
	}
	return "prefix"
}
