package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestMistakesOfAWS holds the whole report of what is wrong about AWS.
func TestMistakesOfAWS(t *testing.T) {
	t.Parallel()
	const cloud = smallest + "backend: aws\n"
	const steps = "backend: aws\npipelines:\n  p:\n    steps:\n"
	const http = "http: {url: 'http://h/'}"
	var tags strings.Builder
	tags.WriteString("aws:\n  tags:\n")
	for i := range 46 {
		tags.WriteString(fmt.Sprintf("    t%d: x\n", i))
	}
	long := strings.Repeat("s", 63)
	for _, tc := range []struct{ name, text, want string }{
		{"the section", smallest + "aws:\n  region: EU\n  prefix: 'a b'\n  endpoint: localhost\n  provision: yes\n  table: x\n  kms_key: alias/aws/sqs\n  regoin: x\n",
			`f:3: region "EU" is not a region, write it as eu-west-1
f:4: prefix "a b" cannot begin the names of queues, use letters, digits, - and _, at least one and at most 73 of them
f:5: endpoint "localhost" is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path
f:6: provision "yes" is neither true nor false, write one of them
f:7: table "x" is not the name of a table, use 3 to 255 letters, digits, -, _ and .
f:8: kms_key "alias/aws/sqs" belongs to one service of AWS, name a key of your own, or leave it out for the encryption each service has by itself
f:9: unknown key "regoin" in aws, the nearest known key is "region"`},
		{"another key", cloud + "aws: {kms_key: 'my key'}\n", `f:3: kms_key "my key" is not a KMS key, write its id, its ARN or alias/NAME`},
		{"tags", cloud + "aws:\n  tags:\n    AWS:x: a\n    'a;b': c\n    c: 'd;e'\n    e: [f]\n",
			`f:5: tag "AWS:x" begins with aws:, which AWS keeps for itself, choose another key
f:6: tag "a;b" is not the key of a tag, use at most 128 letters, digits, spaces and _.:/=+-@
f:7: tag "c" "d;e" is not the value of a tag, use at most 256 letters, digits, spaces and _.:/=+-@
f:8: tag "e" is a list, write a single value`},
		{"tags that are too long", cloud + "aws: {tags: {" + strings.Repeat("k", 129) + ": a, b: " + strings.Repeat("v", 257) + "}}\n",
			`f:3: tag "` + strings.Repeat("k", 80) + `…" is not the key of a tag, use at most 128 letters, digits, spaces and _.:/=+-@
f:3: tag "b" "` + strings.Repeat("v", 80) + `…" is not the value of a tag, use at most 256 letters, digits, spaces and _.:/=+-@`},
		{"too many tags", cloud + tags.String(), "f:5: there are 46 tags, keep at most 45"},
		{"another backend", smallest + "backend: azure\nqueues: [{name: x}]\n", `f:2: backend "azure" is not known, write one of embedded, aws; the nearest is "aws"`},
		{"calls", steps + "    - {name: a, " + http + ", lambda: {function: f}}\n    - {name: b, lambda: {function: f}, sqs: {queue: q}, " + http + "}\n    - {name: c, lambda: {}, timeout: 16m}\n    - {name: d, sqs: ~}\n",
			`f:5: step has http and lambda, keep one of them
f:6: step has http, lambda and sqs, keep one of them
f:7: lambda has no function, add function: and its name or ARN
f:7: timeout "16m" is too long, give at most 15m
f:8: step has none of http, lambda and sqs, add http: {url: ...}, lambda: {function: ...} or sqs: {queue: ...}`},
		{"what is called", steps + "    - name: a\n      lambda: {function: 'a b', version: 1}\n      exclusive: maybe\n      keep_result: 1\n    - name: b\n      sqs:\n        queue: orders.fifo\n    - name: c\n      sqs: {queue: 'arn:aws:sqs:eu-west-1:123456789012:orders'}\n" +
			"    - name: d\n      sqs: {queue: 'http://example.com/1/orders'}\n",
			`f:6: function "a b" is not a Lambda function, write its name, name:alias or ARN
f:6: unknown key "version" in lambda, the nearest known key is "function"
f:7: exclusive "maybe" is neither true nor false, write one of them
f:8: keep_result "1" is neither true nor false, write one of them
f:11: queue "orders.fifo" is a FIFO queue, and rows have no message group, name a standard queue
f:13: queue "arn:aws:sqs:eu-west-1:123456789012:orders" is not an SQS queue, write its name or its https URL
f:15: queue "http://example.com/1/orders" is not the URL of an SQS queue, write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, or the name alone`},
		{"names of queues that are too long", "backend: aws\naws: {prefix: longer-}\npipelines:\n  pipeline:\n    steps:\n    - name: a\n      " + http + "\n    - name: " + long + "\n      " + http + "\n",
			fmt.Sprintf(`f:8: step %q of pipeline "pipeline" would have a dead-letter queue "longer-pipeline-%s" of 83 characters, and SQS allows 80, shorten aws.prefix, pipeline or step by 3`, long, long+"-dlq")},
		{"names of queues that are the same", "backend: aws\npipelines:\n  a-b:\n    steps:\n    - {name: c, " + http + "}\n  a:\n    steps:\n    - {name: b-c, " + http + "}\n    - {name: x-dlq, " + http + "}\n    - {name: x, " + http + "}\n",
			`f:8: step "b-c" of pipeline "a" and step "c" of pipeline "a-b" would share the queue "redrive-a-b-c", give one of them another name
f:10: step "x" of pipeline "a" and step "x-dlq" of pipeline "a" would share the queue "redrive-a-x-dlq", give one of them another name`},
		{"a source queue without AWS", "pipelines:\n  p:\n    intake: {source_queue: x}\n    steps: [{name: a, " + http + "}]\n",
			"f:3: source_queue is read from SQS, and the backend is embedded, set backend: aws or take it out"},
		{"source queues", "backend: aws\npipelines:\n  p:\n    intake: {source_queue: 'https://h/1/x'}\n    steps: [{name: a, " + http + "}]\n  q:\n    intake: {source_queue: redrive-p-a-dlq}\n    steps: [{name: a, sqs: {queue: redrive-p-a}}]\n" +
			"  r:\n    intake: {source_queue: in}\n    steps: [{name: a, " + http + "}]\n  s:\n    intake: {source_queue: in}\n    steps: [{name: a, sqs: {queue: in}}]\n",
			`f:4: source_queue "https://h/1/x" is not the name of an SQS queue, write the name alone, without URL or ARN
f:7: source_queue "redrive-p-a-dlq" belongs to step "a" of pipeline "p", name the queue others send to
f:8: queue "redrive-p-a" belongs to step "a" of pipeline "p", name a queue that another system reads
f:13: source_queue "in" is read by pipeline "r" too: each message would come to one of the two by chance, give each its own queue
f:14: queue "in" is the source_queue of the same pipeline: its rows would go round for ever, name another queue`},
		{"a payload that fits no item", "backend: aws\npipelines:\n  p:\n    intake:\n      max_bytes: 393217\n    steps: [{name: a, " + http + "}]\n",
			"f:5: max_bytes 393217 does not fit: with backend: aws a payload is one item of DynamoDB, give at most 393216"},
		{"foreign queues without AWS", smallest + "queues:\n- {name: orders-dlq}\n", "f:2: queues are looked for on SQS, and the backend is embedded, set backend: aws or take it out"},
		{"foreign queues", cloud + "queues:\n- {name: orders-dlq}\n- {prefix: ''}\n- {}\n- {name: x, prefix: y}\n- {name: orders-dlq}\n- {prefix: b}\n- prefix: b\n- {name: b}\n- {nmae: x}\n- orders\n- {name: redrive-p-a}\n- {name: 'a b'}\n",
			`f:5: prefix "" cannot begin the names of queues, use letters, digits, - and _, at least one and at most 80 of them
f:6: queue has neither name nor prefix, add name: or prefix:
f:7: queue has both name and prefix, keep one of the two
f:8: queues has name "orders-dlq" twice, the other in line 4, keep one of them
f:10: queues has prefix "b" twice, the other in line 9, keep one of them
f:12: queue has neither name nor prefix, add name: or prefix:
f:12: unknown key "nmae" in queue, the nearest known key is "name"
f:13: queue is a single value, write keys and values below it
f:14: queue "redrive-p-a" belongs to step "a" of pipeline "p", take it out: steps have pages of their own
f:15: name "a b" is not the name of an SQS queue, use letters, digits, - and _, at most 80 of them`},
		{"neither queues nor pipelines", "backend: aws\nqueues: []\n", "f:1: there is no pipeline, add pipelines with at least one; `server init` prints an example"},
		{"sms", smallest + "notify:\n- {kind: sms}\n- kind: sms\n  phone: '+14155550100'\n  topic: 'arn:aws:sns:eu-west-1:123456789012:oncall'\n- {kind: sms, phone: 0415555}\n- {kind: sms, phone: '+1 415 555'}\n- {kind: sms, topic: oncall}\n" +
			"- {kind: sms, topic: 'arn:aws:sns:eu-west-1:123456789012:oncall.fifo'}\n- {kind: sms, phone: '${NOPE}'}\n- {kind: sms, url: 'http://h/', phone: +14155550100}\n- {kind: slack, url: 'http://h/', phone: '+14155550100'}\n",
			`f:3: notify has neither phone nor topic, add phone, phone_file or topic
f:6: notify has both phone and topic, keep one of the two
f:7: the phone of this notify is not a number SNS can reach, write + and digits alone, country first, such as +14155550100
f:8: the phone of this notify is not a number SNS can reach, write + and digits alone, country first, such as +14155550100
f:9: topic "oncall" is not an SNS topic, write its ARN, such as arn:aws:sns:eu-west-1:123456789012:oncall
f:10: topic "arn:aws:sns:eu-west-1:123456789012:oncall.fifo" is a FIFO topic, which sends no SMS, name a standard topic
f:11: phone needs the environment variable NOPE, which is not set, set NOPE or write the value here
f:12: unknown key "url" in notify, the nearest known key is "kind"
f:13: unknown key "phone" in notify, the nearest known key is "kind"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, mistakes := Parse("f", []byte(tc.text), Overrides{}, environ())
			if c != nil {
				t.Error("a configuration comes with the mistakes")
			}
			if got := lines(mistakes); got != tc.want+"\n" {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}
