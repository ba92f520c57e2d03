package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What the queues of steps are set to.
const (
	// hiddenFor is how long a message is hidden from others where a receive does
	// not say. Workers always do, by the step's time-out.
	hiddenFor = "30"
	// keptFor is 14 days, the longest SQS knows. A message is only a pointer to
	// a row; the sweep queues rows again whose message ran out.
	keptFor = "1209600"
	// pollFor is 20 seconds, the longest: an empty queue then costs least.
	pollFor = "20"
	// receivesMost is how often SQS gives a message out before it moves it to
	// the dead-letter queue by itself. The engine decides who is dead and why;
	// this only catches what ends the worker each time, before it can say so. It
	// is high, because receiving is no attempt: throttling, pauses, open
	// breakers and deployments all use some up.
	receivesMost = 100
)

const allowPolicyName = string(types.QueueAttributeNameRedriveAllowPolicy)

// plain is what both queues of a step have in common.
func (p *Provisioner) plain() map[string]string {
	want := map[string]string{
		string(types.QueueAttributeNameVisibilityTimeout):             hiddenFor,
		string(types.QueueAttributeNameMessageRetentionPeriod):        keptFor,
		string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds): pollFor,
	}
	if p.bp.KMSKey != "" {
		want[string(types.QueueAttributeNameKmsMasterKeyId)] = p.bp.KMSKey
	} else {
		want[string(types.QueueAttributeNameSqsManagedSseEnabled)] = "true"
	}
	return want
}

// redrive is the document of both policies.
type redrive struct {
	Target   string   `json:"deadLetterTargetArn,omitempty"`
	Receives any      `json:"maxReceiveCount,omitempty"` // SQS takes and gives it as a number or as text
	Who      string   `json:"redrivePermission,omitempty"`
	Sources  []string `json:"sourceQueueArns,omitempty"`
}

func (r redrive) String() string {
	text, _ := json.Marshal(r) // of text and numbers alone
	return string(text)
}

func redrivePolicy(dead string) string { return redrive{Target: dead, Receives: receivesMost}.String() }

func allowPolicy(source string) string {
	return redrive{Who: "byQueue", Sources: []string{source}}.String()
}

// difference is an attribute that is not what it should be.
type difference struct{ name, have, want string }

// drift compares a queue with what it should be.
func (p *Provisioner) drift(q stepQueue, have liveQueue) []difference {
	want := p.plain()
	if beside := sibling(have.arn(), q.other); q.dead {
		want[allowPolicyName] = allowPolicy(beside)
	} else {
		want[string(types.QueueAttributeNameRedrivePolicy)] = redrivePolicy(beside)
	}
	var wrong []difference
	for _, name := range orderedKeys(want) {
		if is := have.attributes[name]; !sameAttribute(name, want[name], is) {
			wrong = append(wrong, difference{name: name, have: is, want: want[name]})
		}
	}
	key := string(types.QueueAttributeNameKmsMasterKeyId)
	if is := have.attributes[key]; p.bp.KMSKey == "" && is != "" {
		wrong = append(wrong, difference{name: key, have: is})
	}
	return wrong
}

// sibling is the ARN of another queue beside one.
func sibling(arn, name string) string {
	return arn[:strings.LastIndexByte(arn, ':')+1] + name
}

func sameAttribute(name, want, have string) bool {
	switch types.QueueAttributeName(name) {
	case types.QueueAttributeNameKmsMasterKeyId:
		return sameKey(want, have)
	case types.QueueAttributeNameSqsManagedSseEnabled:
		return have == "" || want == have // not every region has it
	case types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameRedriveAllowPolicy:
		return parsed(want) == parsed(have)
	}
	return want == have
}

// parsed writes a policy in one form, however it was given.
func parsed(policy string) string {
	var r redrive
	if json.Unmarshal([]byte(policy), &r) != nil {
		return policy
	}
	slices.Sort(r.Sources)
	return fmt.Sprintf("%s %v %s %v", r.Target, r.Receives, r.Who, r.Sources)
}

// shown is the value of an attribute as a plan says it.
func shown(name, value string) string {
	var r redrive
	switch {
	case value == "":
		return "none"
	case !strings.HasSuffix(name, "Policy") || json.Unmarshal([]byte(value), &r) != nil:
		return value
	case r.Target != "":
		return fmt.Sprintf("to %s after %v receives", nameIn(r.Target, ":"), r.Receives)
	}
	for i, source := range r.Sources {
		r.Sources[i] = nameIn(source, ":")
	}
	return strings.TrimSpace(r.Who + " " + listed(r.Sources))
}
