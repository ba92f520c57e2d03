package config

import (
	"strings"
	"testing"
)

// TestWarnings holds the whole report of what is worth a line and no mistake.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const step = "steps: [{name: a, http: {url: 'https://h/'}}]"
	for _, tc := range []struct{ name, text, want string }{
		{"nothing to say", smallest + "aws: {region: eu-west-1, endpoint: 'http://127.0.0.1:4566'}\nqueues: []\nauth: {}\n", ""},
		{"plain http on the network", smallest + "listen: 0.0.0.0:8080\nauth: {local: true, ingest_keys: [{name: a, pipeline: p, key_sha256: " + keySHA + "}]}\n",
			`f:2: listen "0.0.0.0:8080" is plain http: put a proxy with TLS in front and write its address as public_url: https://..., else passwords and sessions can be read on the way`},
		{"plain http at the proxy", smallest + "public_url: http://redrive.example.com\nauth: {local: true}\n",
			`f:2: public_url "http://redrive.example.com" is not https: passwords and sessions can be read on the way`},
		{"a public address of this machine", smallest + "public_url: http://localhost:8080\nauth: {local: true}\n", ""},
		{"a console others are sent to", smallest + "public_url: https://redrive.example.com\n",
			`f:2: public_url "https://redrive.example.com" is for other machines and there is no auth section: whoever reaches it may do everything`},
		{"an intake that asks for nothing", "listen: ':8080'\npublic_url: https://h\nauth: {local: true, ingest_keys: [{name: a, pipeline: p, key_sha256: " + keySHA + "}]}\npipelines:\n  p: {" + step + "}\n  q: {" + step + "}\n  r: {intake: {signature: {scheme: github, secret: x}}, " + step + "}\n",
			`f:6: pipeline "q" has neither a signature nor an ingest key: whoever reaches :8080 can send rows to it`},
		{"wide proxies", smallest + "trusted_proxies: [10.0.0.0/8, 10.0.0.0/7, 52.0.0.0/16, 52.0.0.0/15, 'fd00::/8', '2001:db8::/32', '2000::/3', '::/0']\n",
			"f:2: trusted_proxies 10.0.0.0/7 is wide: whoever has an address in it can choose the one it is seen under\n" +
				"f:2: trusted_proxies 52.0.0.0/15 is wide: whoever has an address in it can choose the one it is seen under\n" +
				"f:2: trusted_proxies 2000::/3 is wide: whoever has an address in it can choose the one it is seen under\n" +
				"f:2: trusted_proxies ::/0 lets every caller choose the address it is seen under"},
		{"proxies, breakers, severities and secrets", `trusted_proxies: [0.0.0.0/0]
breakers:
  idle: {}
notify: [{kind: webhook, url: "https://example.com/hook", severities: [page]}]
pipelines:
  p:
    intake:
      signature:
        scheme: none
        secret: x
    ` + step + "\n", `f:9: the secret is not used: with scheme none nothing is signed
f:1: trusted_proxies 0.0.0.0/0 lets every caller choose the address it is seen under
f:4: alarms of severity "notice" are sent nowhere
f:3: breaker "idle" is used by no step`},
		{"calls beyond this machine that anybody can read", `pipelines:
  p:
    steps:
    - name: a
      http:
        url: "http://search-api:9001/index?token=secret"
    - {name: b, http: {url: "http://10.0.0.7/"}}
    - {name: c, http: {url: "https://search-api/"}}
    - {name: d, http: {url: "http://localhost.:9001/"}}
    - {name: e, http: {url: "http://[::1]:9001/"}}
    - {name: f, http: {url: "http://127.0.0.9/"}}
    - {name: g, http: {url: "http://orders.localhost/"}}
notify:
- {kind: slack, url: "http://hooks.example.com/secret"}
- {kind: webhook, url: "https://hooks.example.com/secret"}
- {kind: webhook, url: "http://127.0.0.1:9001/secret"}
`, `f:6: the call to "search-api:9001" goes over plain http: whoever is on the way can read and change it; write https, unless the network is your own
f:7: the call to "10.0.0.7" goes over plain http: whoever is on the way can read and change it; write https, unless the network is your own
f:14: this notify goes over plain http: whoever is on the way can read and change it; write https, unless the network is your own`},
		{"aws that the embedded backend does not use", smallest + "aws:\n  region: eu-west-1\n  prefix: x-\n  provision: true\n  tags: {a: b}\n",
			"f:3: the backend is embedded, which has no use for prefix, provision and tags of aws"},
		{"one key of it", smallest + "aws: {table: rows}\n", "f:2: the backend is embedded, which has no use for table of aws"},
		{"exclusive is no choice on the embedded backend", "pipelines:\n  p:\n    steps:\n    - name: a\n      http: {url: 'https://h/'}\n      exclusive: true\n      keep_result: true\n",
			"f:6: exclusive changes nothing: with the embedded backend a step is always leased to one worker alone"},
		{"a region nobody wrote down", smallest + "notify:\n- {kind: sms, phone: '+14155550100'}\n- {kind: sms, phone: '+14155550101'}\n",
			"f:3: aws.region is left out: sms goes to the region that AWS_REGION or the profile names, else to eu-west-1"},
		{"a region nobody wrote down for a step", "pipelines:\n  p:\n    steps:\n    - name: a\n      lambda: {function: f}\n    - name: b\n      sqs: {queue: q}\n",
			"f:5: aws.region is left out: the Lambda function goes to the region that AWS_REGION or the profile names, else to eu-west-1"},
		{"another region", "aws: {region: eu-west-1}\npipelines:\n  p:\n    steps:\n    - name: a\n      lambda: {function: 'arn:aws:lambda:us-east-1:123456789012:function:f'}\n" +
			"notify:\n- {kind: sms, topic: 'arn:aws:sns:eu-west-2:123456789012:oncall'}\n",
			"f:6: \"arn:aws:lambda:us-east-1:123456789012:function:f\" lies in us-east-1, and aws.region is eu-west-1\n" +
				"f:8: \"arn:aws:sns:eu-west-2:123456789012:oncall\" lies in eu-west-2, and aws.region is eu-west-1"},
		{"what a source queue does not do", "backend: aws\npipelines:\n  p:\n    intake:\n      signature: {scheme: github, secret: x}\n      source_queue: in.fifo\n    " + step + "\n",
			"f:6: messages from source_queue in.fifo are not verified: the signature is asked for at /ingest/p alone\n" +
				"f:6: rows run side by side: the order of source_queue in.fifo is not kept"},
		{"waits too long for SQS", "backend: aws\npipelines:\n  p:\n    steps:\n    - name: a\n      http: {url: 'https://h/'}\n      retry:\n        cap: 13h\n",
			"f:8: SQS holds a message back for at most 12h; rows that wait longer, up to the cap of 13h, go on with the sweep after"},
		{"payloads too large to pass on", "aws: {region: x}\npipelines:\n  p:\n    intake: {max_bytes: 16777216}\n    steps:\n    - name: a\n      lambda: {function: f}\n    - name: b\n      sqs: {queue: q}\n    - name: c\n      http: {url: 'https://h/'}\n",
			"f:7: max_bytes lets in payloads of 16777216 bytes, and lambda takes at most 6291456: the rows of larger ones cannot pass step \"a\"\n" +
				"f:9: max_bytes lets in payloads of 16777216 bytes, and sqs takes at most 1048576: the rows of larger ones cannot pass step \"b\""},
		{"foreign queues that are our own", "backend: aws\npipelines:\n  p:\n    " + step + "\nqueues:\n- prefix: red\n- prefix: redrive-p-a-dlq-\n",
			"f:6: prefix \"red\" also begins the names of this configuration's own queues, which have pages of their own"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, mistakes := Parse("f", []byte(tc.text), Overrides{}, environ())
			if len(mistakes) > 0 {
				t.Fatal(lines(mistakes))
			}
			var got []string
			for _, w := range c.Warnings {
				got = append(got, w.String())
			}
			if strings.Join(got, "\n") != tc.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tc.want)
			}
		})
	}
}
