package config

import (
	"regexp"
	"strings"
)

const maxFunction = 170

var (
	functionForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$`)
	lambdaForm   = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:(.*)$`)
	topicForm    = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
)

// function reads a Lambda function: its name, with a version or an alias if it
// has to be that one, or its ARN.
func function(text string) (string, *fault) {
	name := text
	if m := lambdaForm.FindStringSubmatch(text); m != nil {
		name = m[1]
	}
	if len(text) > maxFunction || !functionForm.MatchString(name) {
		return "", &fault{"is not a Lambda function", "write its name, name:alias or ARN"}
	}
	return text, nil
}

// topic reads the ARN of an SNS topic. Topics in order deliver to queues alone,
// never to people.
func topic(text string) (string, *fault) {
	switch {
	case topicForm.MatchString(strings.TrimSuffix(text, ".fifo")) && isFIFO(text):
		return "", &fault{"is a FIFO topic, which sends no SMS", "name a standard topic"}
	case !topicForm.MatchString(text):
		return "", &fault{"is not an SNS topic", "write its ARN, such as arn:aws:sns:eu-west-1:123456789012:oncall"}
	}
	return text, nil
}

// remote is a use of AWS that no backend implies.
type remote struct {
	what string // such as "sms"
	arn  string // "" where it is only named
	line int
}

func (r *reader) calls(what, target string, line int) {
	r.remote = append(r.remote, remote{what, target, line})
}

// warnRegion warns where it is not plain which region a call goes to.
func (r *reader) warnRegion(c *Config) {
	for i, use := range r.remote {
		if c.AWS.Region == "" {
			if i == 0 && r.backend == "embedded" {
				r.warn(use.line, "aws.region is left out: %s goes to the region that AWS_REGION or the profile names, else to eu-west-1", use.what)
			}
			continue
		}
		if parts := strings.Split(use.arn, ":"); len(parts) > 3 && parts[0] == "arn" && parts[3] != c.AWS.Region {
			r.warn(use.line, "%s lies in %s, and aws.region is %s", quote(use.arn), parts[3], c.AWS.Region)
		}
	}
}
