package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakes adds lines to the smallest valid configuration, whose one line is
// the first; want is the whole report.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const steps = "pipelines:\n  p:\n    steps:\n"
	for _, tc := range []struct{ name, text, want string }{
		{"an unknown key names the nearest", smallest + "lisen: 127.0.0.1:1\n", `f:2: unknown key "lisen" in configuration, the nearest known key is "listen"`},
		{"a key is given twice", smallest + "listen: 127.0.0.1:1\n\nlisten: 127.0.0.1:2\n", `f:4: "listen" is given twice in configuration, keep one of it and the one in line 2`},
		{"a wrong shape", smallest + "sweep: [a]\nlisten: {a: b}\nallowed_hosts: x\n", "f:2: sweep is a list, write keys and values below it\n" +
			"f:3: listen is a mapping, write a single value\nf:4: allowed_hosts is a single value, not a list, write it as [a, b] or with a dash a line"},
		{"not YAML", "a: [1\nb: 2\n", "f:2: this is not YAML: ',' or ']' must be specified, check the indentation, quotes and brackets there"},
		{"two documents", smallest + "---\na: 1\n", "f:3: there is a second document in the file, keep one"},
		{"an alias", smallest + "sweep: &s {stuck_after: 5m}\nembedded: *s\n", "f:2: anchors and aliases are not read, write the value out\nf:3: anchors and aliases are not read, write the value out"},
		{"nothing at all", "", "f:1: there is no pipeline, add pipelines with at least one; `server init` prints an example"},
		{"no steps", "pipelines:\n  p: {}\n  q:\n    steps: []\n", "f:2: pipeline has no steps, add steps with at least one step\nf:4: steps is empty, add at least one step"},
		{"a name", smallest + "breakers:\n  'a b': {}\n", `f:3: breakers has a key "a b", which is not a name, use letters, digits, - and _, a letter or digit first, at most 63 of them`},
		{"a step without anything", steps + "    - needs: []\n", "f:4: step has no name, add name: and what to call it\nf:4: step has none of http, lambda and sqs, add http: {url: ...}, lambda: {function: ...} or sqs: {queue: ...}"},
		{"an undeclared breaker", steps + "    - name: a\n      http: {url: 'http://h/'}\n      breaker: dwn\nbreakers: {down: {}}\n", `f:6: breaker "dwn" is not under breakers, declare it there; the nearest is "down"`},
		{"a schedule that never comes", smallest + "sweep: {schedule: '0 0 31 2 *'}\n", `f:2: schedule "0 0 31 2 *" never comes true, write five fields in UTC, such as 0 */3 * * *`},
		{"a schedule with a zone", smallest + "sweep: {schedule: 'TZ=UTC 0 0 1 2 *'}\n", `f:2: schedule "TZ=UTC 0 0 1 2 *" is not a schedule of five fields, write five fields in UTC, such as 0 */3 * * *`},
		{"a schedule by its name", smallest + "sweep: {schedule: '@every 5m'}\n", `f:2: schedule "@every 5m" is not a schedule of five fields, write five fields in UTC, such as 0 */3 * * *`},
		{"durations", smallest + "sweep: {stuck_after: 10ms}\nbreakers: {a: {window: 5, open_for: 25h}}\n",
			"f:2: stuck_after \"10ms\" is too short, give at least 1s\nf:3: window \"5\" is not a duration, write it as 500ms, 5s, 1m30s or 720h\nf:3: open_for \"25h\" is too long, give at most 24h"},
		{"numbers", smallest + "breakers:\n  a:\n    failure_rate: 0\n    minimum_calls: 0\n    probes: many\n  b: {failure_rate: .nan}\n",
			"f:4: failure_rate \"0\" is out of range, give a number above 0 and at most 1\nf:5: minimum_calls \"0\" is out of range, give a whole number from 1 to 1000000\n" +
				"f:6: probes \"many\" is not a whole number, give one from 1 to 10000\nf:7: failure_rate \".nan\" is not a number, give a number above 0 and at most 1"},
		{"429 is never permanent", steps + "    - name: a\n      http: {url: 'http://h/'}\n      permanent:\n      - 400\n      - 429\n      - 400\n      - 200\n",
			"f:6: permanent has 400 twice, keep one of them\nf:8: permanent \"429\" asks to come back later and is never permanent, take it out\nf:10: permanent \"200\" is out of range, give a whole number from 400 to 599"},
		{"a cap below the base", steps + "    - name: a\n      http: {url: 'http://h/'}\n      retry:\n        cap: 1s\n        base: 2s\n", "f:7: the cap of 1s is shorter than the base of 2s, make cap the longest wait"},
		{"needs", steps + "    - {name: a, http: {url: 'http://h/'}, needs: [a]}\n    - {name: b, http: {url: 'http://h/'}, needs: [a, a]}\n    - {name: b, http: {url: 'http://h/'}, needs: [x]}\n    - {name: c, http: {url: 'http://h/'}, needs: [bb]}\n",
			"f:4: step \"a\" needs itself, take it out\nf:5: step \"b\" needs \"a\" twice, keep one of them\n" +
				"f:6: there are two steps called \"b\", the other in line 5, give it another name\nf:7: step \"c\" needs \"bb\", which is no step of this pipeline, the nearest is \"b\""},
		{"a circle", steps + "    - {name: a, http: {url: 'http://h/'}}\n    - {name: b, http: {url: 'http://h/'}, needs: [a, d]}\n    - {name: c, http: {url: 'http://h/'}, needs: [b]}\n    - {name: d, http: {url: 'http://h/'}, needs: [c]}\n",
			"f:6: steps need each other in a circle: b -> d -> c -> b, take one of these needs out"},
		{"headers", steps + "    - name: a\n      http:\n        url: ftp://h/\n        headers:\n          X Y: a\n          redrive-row: b\n          X-A: \"a\\nb\"\n          x-a: c\n",
			"f:6: url \"ftp://h/\" is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path\n" +
				"f:8: header \"X Y\" is not the name of a header, use letters, digits and -\nf:9: header \"redrive-row\" is set by each call itself, take it out\n" +
				"f:10: the value of header \"X-A\" cannot be sent, write it on one line without control characters\nf:11: header \"x-a\" is given twice, keep one of them"},
		{"addresses that are never called", steps + `    - {name: a, http: {url: "http://169.254.169.254/latest/?x=secret"}}
    - {name: b, http: {url: "http://[::ffff:169.254.169.254]/"}}
    - {name: c, http: {url: "http://0.0.0.0:9001/"}}
    - {name: d, http: {url: "http://0x7f000001/"}}
    - {name: e, http: {url: "http://ada:secret@h/?token=secret"}}
    - {name: f, http: {url: "file:///etc/passwd"}}
    - {name: g, http: {url: "gopher://h/_x"}}
notify:
- {kind: webhook, url: "http://[fd00:ec2::254]/secret"}
- {kind: slack, url: "https://ada:secret@h/"}
- {kind: slack, url: "https://127.1/secret"}
`, `f:4: url "http://169.254.169.254/latest/?…" has a host that is a link-local address, where clouds hand out credentials, which is never called, ` + own + `
f:5: url "http://[::ffff:169.254.169.254]/" has a host that is a link-local address, where clouds hand out credentials, which is never called, ` + own + `
f:6: url "http://0.0.0.0:9001/" has a host that is no address of a machine, which is never called, ` + own + `
f:7: url "http://0x7f000001/" has a host that is neither a name nor a whole address, ` + own + `
f:8: url "http://••••••@h/?…" has a user or password in it, send them in a header
f:9: url "file:///etc/passwd" is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path
f:10: url "gopher://h/_x" is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path
f:12: the url of this notify has a host that is a metadata service, which hands out credentials, which is never called, ` + own + `
f:13: the url of this notify has a user or password in it, send them in a header
f:14: the url of this notify has a host that is neither a name nor a whole address, ` + own},
		{"the environment", smallest + "listen: ${NOPE}\npublic_url: \"${1x}\"\nbase_path: /${\n",
			"f:2: listen needs the environment variable NOPE, which is not set, set NOPE or write the value here\n" +
				"f:3: public_url refers to no environment variable with \"${1x}\", write ${NAME} with letters, digits and _\n" +
				"f:4: base_path refers to no environment variable with \"${\", write ${NAME} with letters, digits and _"},
		{"alarms", smallest + "alarms:\n- {name: a, metric: dead_leters}\n- {name: a, metric: queue_depth, period: 45s, periods: 2, datapoints: 3}\n- {name: b, metric: breaker_open, pipeline: p}\n" +
			"- {name: c, metric: stuck_rows, pipeline: q}\n- {name: d, metric: stuck_rows, pipeline: p, step: x}\n- {name: e, metric: stuck_rows, step: a}\n- {name: f, metric: breaker_open, breaker: x}\n- {name: g, metric: error_rate, threshold: 3}\n",
			"f:3: metric \"dead_leters\" is not known, write one of dead_letters, error_rate, oldest_waiting_seconds, stuck_rows, breaker_open, queue_depth; the nearest is \"dead_letters\"\n" +
				"f:4: period \"45s\" is not a period, write 10s, 30s or whole minutes\nf:4: 3 datapoints cannot come from 2 periods, give at most as many as periods\nf:4: there are two alarms called \"a\", give it another name\n" +
				"f:5: breaker_open does not come by pipeline or step, name a breaker, or nothing for all of them\nf:6: alarm \"c\" watches pipeline \"q\", which is not under pipelines, the nearest is \"p\"\n" +
				"f:7: alarm \"d\" watches step \"x\", which pipeline \"p\" does not have, the nearest is \"a\"\nf:8: alarm \"e\" watches step \"a\" of no pipeline, add pipeline\n" +
				"f:9: alarm \"f\" watches breaker \"x\", which is not under breakers, add it: breakers: {x: {}}\nf:10: error_rate is a share from 0 to 1, so it never reaches 3, write 0.03 for 3 %"},
		{"a kind nobody knows hides no other mistake", smallest + "notify:\n- kind: slak\n  severities: [notice, pge]\n  url: ${NOPE}\n  channel: x\n",
			"f:3: kind \"slak\" is not known, write one of slack, webhook, sms; the nearest is \"slack\"\nf:4: severities \"pge\" is not known, write one of notice, page; the nearest is \"page\"\n" +
				"f:5: url needs the environment variable NOPE, which is not set, set NOPE or write the value here"},
		{"notify", smallest + "notify:\n- {kind: slak}\n- {kind: slack}\n- {kind: webhook, url: 'example.com/secret', severities: []}\n- {kind: webhook, url: 'http://h/', severities: [page, page]}\n",
			"f:3: kind \"slak\" is not known, write one of slack, webhook, sms; the nearest is \"slack\"\nf:4: notify has no url, add url or url_file\n" +
				"f:5: the url of this notify is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path\nf:5: severities is empty, so nothing would be sent, write [notice, page] or one of them\n" +
				"f:6: severities has page twice, keep one of them"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, mistakes := Parse("f", []byte(tc.text), Overrides{}, environ())
			if c != nil {
				t.Error("a configuration comes with the mistakes")
			}
			if got := lines(mistakes); got != strings.TrimSuffix(tc.want, "\n")+"\n" {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}

const own = "write the name or the whole address of your own service, such as 127.0.0.1"

func TestMistakesOfIntake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "broken.json"), `{"type": 7}`)
	write(t, filepath.Join(dir, "remote.json"), `{"$ref": "http://127.0.0.1:1/x.json"}`)
	write(t, filepath.Join(dir, "empty"), "\n")
	for _, tc := range []struct{ name, intake, want string }{
		{"no field", "idempotency_key: json:a..b", `idempotency_key "json:a..b" names no field`},
		{"no header", "idempotency_key: 'header:'", `idempotency_key "header:" names no header`},
		{"another source", "idempotency_key: cookie:x", `idempotency_key "cookie:x" is not known`},
		{"too large", "max_bytes: 16777217", `max_bytes "16777217" is out of range`},
		{"no scheme", "signature: {secret: x}", "signature has no scheme"},
		{"no secret", "signature: {scheme: stripe}", "signature stripe has no secret"},
		{"an empty secret", "signature: {scheme: github, secret: ''}", "secret is empty"},
		{"an empty secret file", "signature: {scheme: github, secret_file: empty}", `secret_file "empty" is an empty file`},
		{"no secret file", "signature: {scheme: github, secret_file: gone}", `secret_file "gone" cannot be read: no such file or directory`},
		{"a folder", "signature: {scheme: github, secret_file: .}", `secret_file "." cannot be read: it is not a regular file`},
		{"both", "signature: {scheme: github, secret: x, secret_file: empty}", "both secret and secret_file are given"},
		{"no base64", "signature: {scheme: standard-webhooks, secret: 'whsec_!'}", "the secret is not one of Standard Webhooks"},
		{"no base64 before", "signature: {scheme: standard-webhooks, secret: whsec_c2VjcmV0, previous_secret: 'whsec_!'}", "the previous_secret is not one of Standard Webhooks"},
		{"a previous secret alone", "signature: {scheme: github, previous_secret: x}", "signature github has no secret"},
		{"no schema file", "schema: gone.json", `schema "gone.json" cannot be read: no such file or directory`},
		{"no schema", "schema: broken.json", `schema "broken.json" is not a JSON Schema: `},
		{"a schema from elsewhere", "schema: remote.json", `schema "remote.json" is not a JSON Schema: `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			text := "pipelines:\n  p:\n    intake:\n      " + tc.intake + "\n    steps: [{name: a, http: {url: 'http://h/'}}]\n"
			path := filepath.Join(dir, "f.yaml")
			_, mistakes := Parse(path, []byte(text), Overrides{}, environ())
			if got := lines(mistakes); len(mistakes) != 1 || !strings.HasPrefix(got, path+":4: "+tc.want) {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	_, mistakes := Load(filepath.Join(t.TempDir(), "gone.yaml"), Overrides{}, environ())
	if got := lines(mistakes); !strings.Contains(got, "gone.yaml:1: the configuration cannot be read: no such file or directory, ") {
		t.Error(got)
	}
}
