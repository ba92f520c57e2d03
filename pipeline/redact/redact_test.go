package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"redrive/pipeline/redact"
)

// mask keeps the tables below readable.
const mask = redact.Mask

const (
	awsKey = "AKIA" + "IOSFODNN7EXAMPLE"
	jwt    = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"
	visa   = "4111111111111111"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"password", "Password", "PASSWORD", "userPassword", "db_password", "pass-word", "pass word", "passwd", "pwd", "DB_PWD", "passphrase",
		"secret", "client_secret", "SecretKey", "token", "access_token", "accessToken", "X-Auth-Token", "tokens", "api_key", "api-key", "apiKey", "APIKEY", "API key", "x-api-key",
		"authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "card_number", "cardNumber", "card no", "credit-card", "cvv", "CVC", "pin", "ssn", "private_key", "session", "sessionId",
		"aws_secret_access_key", "connectionString", "X-Amz-Signature", "sig",
		"ｐａｓｓｗｏｒｄ", "ａｐｉ＿ｋｅｙ", "pаssword" /* Cyrillic а */, "раѕѕwоrd", "ѕecret", "τoken", "pässwörd", "pass\u200bword", "pass\u00adword", "ＡＰＩ－ＫＥＹ", "PASſWORD"} {
		if !redact.Name(name) {
			t.Errorf("%q is not taken for the name of a secret", name)
		}
	}
	for _, name := range []string{"", "id", "key", "name", "author", "authorized", "secretary", "token_type", "access_tokens_url", "max_tokens", "total_tokens", "pagetoken", "cookie_consent",
		"passenger", "spinning", "panel", "session_count", "head_sha", "node_id", "signature_valid", "card_brand", "passed", "status", "code", "опера", "κλειδί"} {
		if redact.Name(name) {
			t.Errorf("%q is taken for the name of a secret", name)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	pem := "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nzzz\n-----END RSA PRIVATE KEY-----"
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a sentence", "503 from search-api:9001: no shard available, 2 of 3 tried", "503 from search-api:9001: no shard available, 2 of 3 tried"},
		{"a label", "pull_request.opened", "pull_request.opened"},
		{"times and ids", "row 01krj4tvm7qd8n5t6w8qzm7tab at 2026-11-26T20:53:23.123Z after 1764190403123 ms", "row 01krj4tvm7qd8n5t6w8qzm7tab at 2026-11-26T20:53:23.123Z after 1764190403123 ms"},
		{"an AWS key", "key " + awsKey + " is not allowed", "key " + mask + " is not allowed"},
		{"a temporary one", "ASIA" + "IOSFODNN7EXAMPLE", mask},
		{"a JSON Web Token", "bad token " + jwt + ".", "bad token " + mask},
		{"a PEM block", "a\n" + pem + "\nb", "a\n" + mask + "\nb"},
		{"a PEM block that is cut", "a " + pem[:60], "a " + mask},
		{"Bearer", "sent Bearer abc-def-123 to us", "sent Bearer " + mask + " to us"},
		{"Basic", "got basic dXNlcjpwYXNz here", "got basic " + mask + " here"},
		{"words after Basic", "Basic authentication is needed, Bearer authentication too", "Basic authentication is needed, Bearer authentication too"},
		{"GitHub", "ghp_" + "abcdefghij0123456789abcdefghij012345", mask},
		{"Slack", "use xoxb-" + "1234567890-abcdefghij", "use " + mask},
		{"Stripe", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", mask},
		{"a Slack webhook", "post https://hooks.slack.com/services/T000/B000/XXXX failed", "post https://hooks.slack.com/" + mask + " failed"},
		{"a card", "card " + visa + " declined", "card " + mask + " declined"},
		{"a card in groups", "card 4111 1111 1111 1111 12/27", "card " + mask + " 12/27"},
		{"a card and more digits", "4111-1111-1111-1111 123", mask + " 123"},
		{"an Amex", "378282246310005", mask},
		{"no card: check digit", "4111111111111112", "4111111111111112"},
		{"no card: within a word", "a4111111111111111f", "a4111111111111111f"},
		{"password=", "login with password=hunter2 failed", "login with password=" + mask + " failed"},
		{"password:", "password: hunter2, try again", "password: " + mask + ", try again"},
		{"quoted", `{"password":"hun ter2","b":1} 'secret': 'x y' token="a\"b" c`, `{"password":"` + mask + `","b":1} 'secret': '` + mask + `' token="` + mask + `" c`},
		{"quoted and cut", `body {"a":1,"password":"hun ter2`, `body {"a":1,"password":"` + mask},
		{"JSON in a string", `got "{\"password\":\"hun ter2\",\"b\":1}"`, `got "{\"password\":\"` + mask + `\",\"b\":1}"`},
		{"a header", "Authorization: Custom abc def\nHost: x", "Authorization: " + mask + "\nHost: x"},
		{"cookies", "Cookie: a=b; c=d\r\nHost: x", "Cookie: " + mask + "\r\nHost: x"},
		{"full-width", "ｐａｓｓｗｏｒｄ＝hunter2 x", "ｐａｓｓｗｏｒｄ＝" + mask + " x"},
		{"two words", "api key: 12ab34, card number: x1", "api key: " + mask + ", card number: " + mask},
		{"a mapping", "map[password:hunter2 user:ada] {:secret=>\"x1\"}", "map[password:" + mask + " user:ada] {:secret=>\"" + mask + "\"}"},
		{"a list", "tokens=[abc, def] x", "tokens=[" + mask + "] x"},
		{"an element", "<user><password type='a'>hunter2</password><n:pin>1234</n:pin></user>", "<user><password type='a'>" + mask + "</password><n:pin>" + mask + "</n:pin></user>"},
		{"an attribute", `<db password="x1" host="y"/>`, `<db password="` + mask + `" host="y"/>`},
		{"no value", "password: null, secret=, token: expired", "password: null, secret=, token: expired"},
		{"user and password of a URL", "dial https://ada:hunter2@example.com:443/a?b=c refused", "dial https://" + mask + "@example.com:443/a?b=c refused"},
		{"the user of Git", "ssh://git@localhost:3035/github/hello-world.git", "ssh://git@localhost:3035/github/hello-world.git"},
		{"user of a URL", "https://ghtoken@example.com", "https://" + mask + "@example.com"},
		{"an odd password in a URL", "redis://:p@ss:w!rd@host:6379/0", "redis://" + mask + "@host:6379/0"},
		{"a query", "GET https://example.com/a?user=ada&api_key=x1&X-Amz-Signature=ab%2Fc&n=2", "GET https://example.com/a?user=ada&api_key=" + mask + "&X-Amz-Signature=" + mask + "&n=2"},
		{"an escaped name", "a?api%5Fkey=x1&n=2", "a?api%5Fkey=" + mask + "&n=2"},
		{"an escaped equals sign", "next=%2Fa%3Ftoken%3Dhunter2", "next=%2Fa%3Ftoken%3D" + mask},
		{"a connection string", "Server=db;Password=hun,ter2;Database=x", "Server=db;Password=" + mask + ";Database=x"},
		{"base64", "body " + base64.StdEncoding.EncodeToString([]byte(`{"n":1,"password":"hunter2"}`)) + " refused", "body " + mask + " refused"},
		{"base64 of base64 is looked into once", base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte("password=hunter2")))), base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte("password=hunter2"))))},
		{"invalid UTF-8", "\xff password=hunter2 \xfe", "\xff password=" + mask + " \xfe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := redact.Text(tt.text); got != tt.want {
				t.Errorf("Text(%q)\n  = %q,\nwant %q", tt.text, got, tt.want)
			}
			if got := redact.Text(tt.want); got != tt.want {
				t.Errorf("masked again it is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	b64 := base64.StdEncoding.EncodeToString
	tests := []struct{ name, kind, doc, want string }{
		{"nothing", "", "", ""},
		{"nothing secret", "application/json", `{"b": 1.50, "a": ["x", null, true], "e": 1e400}`, `{"b": 1.50, "a": ["x", null, true], "e": 1e400}`},
		{"order and layout stay", "", "{\n\t\"z\" : \"1\",\r\n \"password\" :\t\"x\", \"a\":12345678901234567890}", "{\n\t\"z\" : \"1\",\r\n \"password\" :\t\"" + mask + "\", \"a\":12345678901234567890}"},
		{"a number", "", `{"pin":1234,"n":1}`, `{"pin":"` + mask + `","n":1}`},
		{"null and booleans say nothing", "", `{"password":null,"token":true,"secret":""}`, `{"password":null,"token":true,"secret":""}`},
		{"a list", "", `{"tokens":["a",{"b":"c"}],"d":"e"}`, `{"tokens":["` + mask + `",{"b":"` + mask + `"}],"d":"e"}`},
		{"an object", "", `{"credentials":{"user":"ada","n":[1,2]},"d":"e"}`, `{"credentials":{"user":"` + mask + `","n":["` + mask + `","` + mask + `"]},"d":"e"}`},
		{"an escaped name", "", `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"` + mask + `"}`},
		{"a name in full width", "", `{"ｐａｓｓｗｏｒｄ":"x"}`, `{"ｐａｓｓｗｏｒｄ":"` + mask + `"}`},
		{"an escaped value", "", `{"a":"\u0041KIAIOSFODNN7EXAMPLE"}`, `{"a":"` + mask + `"}`},
		{"as a name", "", `{"` + awsKey + `":1}`, `{"` + mask + `":1}`},
		{"within a text", "", `{"a":"x password=hunter2 & <b>\n"}`, `{"a":"x password=` + mask + ` & <b>\n"}`},
		{"a list of names and values", "", `[{"name":"Authorization","value":"x"},{"name":"Accept","value":"y"}]`, `[{"name":"Authorization","value":"` + mask + `"},{"name":"Accept","value":"y"}]`},
		{"a card as a number", "", `[` + visa + `]`, `["` + mask + `"]`},
		{"JSON in a string", "", `{"a":"{\"password\":\"x\",\"n\":1}"}`, `{"a":"{\"password\":\"` + mask + `\",\"n\":1}"}`},
		{"JSON in JSON in a string", "", `{"a":` + quoted(`{"b":`+quoted(`{"password":"x"}`)+`}`) + `}`, `{"a":` + quoted(`{"b":`+quoted(`{"password":"`+mask+`"}`)+`}`) + `}`},
		{"base64", "", `{"a":"` + b64([]byte(`{"password":"x1"}`)) + `"}`, `{"a":"` + mask + `"}`},
		{"a string alone", "", `"password=x1"`, `"password=` + mask + `"`},
		{"cut within a value", "", `{"a":1,"password":"hun`, `{"a":1,"password":"` + mask + `"`},
		{"cut within an escape", "", `{"password":"hun\u00`, `{"password":"` + mask + `"`},
		{"lines of JSON", "application/x-ndjson", "{\"pin\":1}\n{\"pin\":2}\n", "{\"pin\":\"" + mask + "\"}\n{\"pin\":\"" + mask + "\"}\n"},
		{"a line of a log in brackets", "", "[warn] password=hunter2", "[warn] password=" + mask},
		{"a form", "application/x-www-form-urlencoded; charset=utf-8", "b=1&password=hun%20ter2&a=x+y&api%5Fkey=1&token=", "b=1&password=" + mask + "&a=x+y&api%5Fkey=" + mask + "&token="},
		{"JSON in a form", "application/x-www-form-urlencoded", "payload=" + url.QueryEscape(`{"password":"x"}`) + "&a=1", "payload=" + strings.ReplaceAll(url.QueryEscape(`{"password":"`+mask+`"}`), url.QueryEscape(mask), mask) + "&a=1"},
		{"a text", "text/plain", "password: hunter2\nname: ada\n", "password: " + mask + "\nname: ada\n"},
		{"a document in base64", "text/plain", b64([]byte("password=hunter2")), mask},
		{"bytes", "application/octet-stream", "\x00\xff" + awsKey + "\x01", "\x00\xff" + mask + "\x01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			given := []byte(tt.doc)
			got, hit := redact.Document(tt.kind, given)
			if string(got) != tt.want || hit != (tt.want != tt.doc) {
				t.Errorf("Document(%s)\n  = %s, %v,\nwant %s", tt.doc, got, hit, tt.want)
			}
			if string(given) != tt.doc {
				t.Errorf("the document itself was changed: %s", given)
			}
		})
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// Wherever a document is cut, no piece of its secret is left that is worth
// having.
func TestBeginningOfACutSecret(t *testing.T) {
	t.Parallel()
	const canary = "Ca9aryVa1ue"
	for _, doc := range []string{
		`{"a":1,"password":"` + canary + `","b":2}`, `{"a":"x","k":"` + awsKey + `","b":2}`, "text " + jwt + " text", "card 4111 1111 1111 1111 was declined",
		"see https://ada:" + canary + "@example.com/", "password=" + canary + " x", "Authorization: Bearer " + canary + "\nx", `{"a":"{\"password\":\"` + canary + `\"}"}`,
		"Cookie: sid=" + canary, `{"k":"-----BEGIN PRIVATE KEY-----\n` + canary + `\n-----END PRIVATE KEY-----"}`,
	} {
		for n := range len(doc) + 1 {
			got, _ := redact.Beginning("", []byte(doc)[:n])
			for _, secret := range []string{canary, awsKey, jwt, "4111 1111 1111 1111"} {
				if strings.Contains(string(got), secret[:6]) {
					t.Fatalf("cut after %d bytes: %s", n, got)
				}
			}
		}
	}
	if got, hit := redact.Beginning("", []byte("a sentence that is cut somewhe")); string(got) != "a sentence that is cut "+mask || !hit {
		t.Errorf("a sentence became %q", got)
	}
	if got, hit := redact.Beginning("", []byte(`{"a":1}`)); string(got) != `{"a":1}` || hit {
		t.Errorf("a whole document became %q", got)
	}
}

func TestAttr(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "json"} {
		var out strings.Builder
		options := &slog.HandlerOptions{ReplaceAttr: redact.Attr}
		log := slog.New(slog.NewTextHandler(&out, options))
		if kind == "json" {
			log = slog.New(slog.NewJSONHandler(&out, options))
		}
		u, _ := url.Parse("https://ada:Canary1@example.com")
		log.With("token", "Canary1").WithGroup("g").Info("password=Canary1", "error", fmt.Errorf("x: secret=Canary1"), "url", u, "body", []byte(`{"pin":"Canary1"}`),
			"n", 5, "row", "01krj", slog.Group("h", "Cookie", "Canary1"))
		if strings.Contains(out.String(), "Canary1") {
			t.Errorf("%s: %s", kind, out.String())
		}
		if !strings.Contains(out.String(), "01krj") || !strings.Contains(out.String(), "example.com") {
			t.Errorf("%s: more is gone than had to: %s", kind, out.String())
		}
	}
}

// Deep and broken documents end, and in about the time their length says.
func TestDocumentOfStrangers(t *testing.T) {
	t.Parallel()
	const n = 40_000
	deep := `"x"`
	for range 12 { // JSON in JSON doubles its backslashes each time
		deep = quoted(`{"a":` + deep + `}`)
	}
	for name, doc := range map[string]string{
		"lists": strings.Repeat("[", n), "closed": strings.Repeat("]", n), "objects": strings.Repeat(`{"a":`, n), "colons": strings.Repeat(":", n), "equals": strings.Repeat("a=", n),
		"names": strings.Repeat("password=", n/4), "quotes": strings.Repeat(`"`, n), "backslashes": `{"a":"` + strings.Repeat(`\`, n), "tags": strings.Repeat("<password>", n/4), "digits": strings.Repeat("4", n),
		"groups": strings.Repeat("4 ", n), "letters": strings.Repeat("a", n), "ats": strings.Repeat("://@", n), "pem": strings.Repeat("-----BEGIN ", n/8), "bearer": strings.Repeat("bearer ", n/4),
		"base64": strings.Repeat("QUJD", n/4), "percents": strings.Repeat("%3D", n/4), "deep": deep, "angle": strings.Repeat(">", n), "eyJ": strings.Repeat("eyJ", n/4), "brackets": strings.Repeat("token=[", n/8),
		"open quotes": strings.Repeat(`token="`, n/8), "escaped quotes": strings.Repeat(`token=\"`, n/8),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redact.Document("", []byte(doc))
			redact.Document("application/x-www-form-urlencoded", []byte(doc))
			redact.Text(doc)
		})
	}
}

// Masking JSON gives JSON, and masking it again changes nothing.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{`{"password":"x","a":[1,{"token":2}]}`, `{"a":"{\"pin\":\"x\"}"}`, "password=x&y", `"eyJ`, "card 4111 1111 1111 1111", `{"a":"\ud800"}`, "https://a:b@c/?sig=x", "<pin>1</pin>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		masked, hit := redact.Document("", doc)
		if !hit && string(masked) != string(doc) {
			t.Errorf("changed without a hit: %q", masked)
		}
		if json.Valid(doc) && !json.Valid(masked) {
			t.Errorf("%q was JSON, %q is not", doc, masked)
		}
		if utf8.Valid(doc) && !utf8.Valid(masked) {
			t.Errorf("%q was UTF-8, %q is not", doc, masked)
		}
		redact.Beginning("", doc)
	})
}

// What stands under the name of a secret in JSON is gone, whatever it is.
func FuzzSecretMember(f *testing.F) {
	f.Add("password", "hunter2hunter2")
	f.Add("x-api-key", "a\"b\\c\u2028ddddddddd")
	f.Fuzz(func(t *testing.T, name, secret string) {
		if !redact.Name(name) || len(secret) < 8 || !utf8.ValidString(secret) || !utf8.ValidString(name) || strings.Contains(name, secret) || strings.Contains(secret, mask[:3]) {
			return
		}
		doc, err := json.Marshal(map[string]any{"a": map[string]any{name: secret}, "z": 1})
		if err != nil {
			return
		}
		masked, _ := redact.Document("application/json", doc)
		var got struct{ A map[string]string }
		if err := json.Unmarshal(masked, &got); err != nil {
			t.Fatalf("%s: %v", masked, err)
		}
		for _, v := range got.A {
			if v != mask {
				t.Errorf("%s of %s", masked, doc)
			}
		}
	})
}

func BenchmarkDocumentJSON(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"token":"x","list":[`)
	for i := range 2000 {
		fmt.Fprintf(&doc, `%s{"id":%d,"name":"item %d","html_url":"https://github.com/a/b/pull/%d","created_at":"2026-11-26T20:53:23Z","ok":true}`, map[bool]string{true: ",", false: ""}[i > 0], i, i, i)
	}
	doc.WriteString(`]}`)
	bytes := []byte(doc.String())
	b.SetBytes(int64(len(bytes)))
	b.ReportAllocs()
	for b.Loop() {
		redact.Document("application/json", bytes)
	}
}

func BenchmarkTextError(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		redact.Text("503 from search-api:9001: no shard available, 2 of 3 tried")
	}
}

func BenchmarkTextLabel(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		redact.Text("pull_request.opened")
	}
}
