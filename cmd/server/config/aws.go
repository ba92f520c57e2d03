package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func aws(s *section) AWS {
	defer s.close()
	a := AWS{
		Region:    read(s, "region", "", optional(region)),
		Prefix:    read(s, "prefix", "redrive-", prefix),
		Endpoint:  read(s, "endpoint", "", publicURL),
		Provision: read(s, "provision", true, boolean),
		Table:     read(s, "table", "", optional(table)),
		Tags:      tags(s),
		KMSKey:    read(s, "kms_key", "", optional(kmsKey)),
	}
	s.warnIdle("prefix", "provision", "table", "tags", "kms_key")
	return a
}

// warnIdle warns of keys that the embedded backend has no use for.
func (s *section) warnIdle(keys ...string) {
	idle := slices.DeleteFunc(keys, func(key string) bool {
		_, given := s.get(key)
		return !given
	})
	if s.r.backend == "embedded" && len(idle) > 0 {
		s.r.warn(s.line, "the backend is embedded, which has no use for %s of aws", and(idle))
	}
}

var regionForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func region(text string) (string, *fault) {
	if !regionForm.MatchString(text) || len(text) > 40 {
		return "", &fault{"is not a region", "write it as eu-west-1"}
	}
	return text, nil
}

// prefix leaves room in the name of a queue for at least one letter each of
// pipeline and step.
func prefix(text string) (string, *fault) {
	const most = maxQueueName - len("p-s-dlq")
	if !queuePrefixForm.MatchString(text) || len(text) > most {
		return "", &fault{"cannot begin the names of queues", fmt.Sprintf("use letters, digits, - and _, at least one and at most %d of them", most)}
	}
	return text, nil
}

var tableForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func table(text string) (string, *fault) {
	if !tableForm.MatchString(text) {
		return "", &fault{"is not the name of a table", "use 3 to 255 letters, digits, -, _ and ."}
	}
	return text, nil
}

var kmsKeyForm = regexp.MustCompile(`^[A-Za-z0-9:/_-]{1,512}$`)

// kmsKey reads the id, alias or ARN of a key. One key encrypts the table and the
// queues, which none of those that AWS keeps for one service can do.
func kmsKey(text string) (string, *fault) {
	switch {
	case !kmsKeyForm.MatchString(text):
		return "", &fault{"is not a KMS key", "write its id, its ARN or alias/NAME"}
	case strings.Contains(text, "alias/aws/"):
		return "", &fault{"belongs to one service of AWS", "name a key of your own, or leave it out for the encryption each service has by itself"}
	}
	return text, nil
}

const (
	maxTags     = 45 // of the 50 a resource may have
	maxTagKey   = 128
	maxTagValue = 256
)

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

func tags(s *section) map[string]string {
	below := s.child("tags")
	if len(below.order) == 0 {
		return nil
	}
	if n := len(below.order); n > maxTags {
		s.r.mistake(below.line, fmt.Sprintf("keep at most %d", maxTags), "there are %d tags", n)
	}
	all := make(map[string]string, len(below.order))
	for _, key := range below.order {
		e := below.entries[key]
		if f := tagKey(key); f != nil {
			s.r.mistake(e.line, f.right, "tag %s %s", quote(key), f.wrong)
		}
		all[key] = element(below, "tag "+quote(key), e.value, "", tagValue)
	}
	return all
}

func tagKey(text string) *fault {
	switch {
	case strings.HasPrefix(strings.ToLower(text), "aws:"):
		return &fault{"begins with aws:, which AWS keeps for itself", "choose another key"}
	case text == "" || utf8.RuneCountInString(text) > maxTagKey || !tagForm.MatchString(text):
		return &fault{"is not the key of a tag", fmt.Sprintf("use at most %d letters, digits, spaces and _.:/=+-@", maxTagKey)}
	}
	return nil
}

func tagValue(text string) (string, *fault) {
	if utf8.RuneCountInString(text) > maxTagValue || !tagForm.MatchString(text) {
		return "", &fault{"is not the value of a tag", fmt.Sprintf("use at most %d letters, digits, spaces and _.:/=+-@", maxTagValue)}
	}
	return text, nil
}
