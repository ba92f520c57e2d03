package steps_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/steps"
)

// Wherever the text of an error is cut, no piece of a secret is left.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	const canary = "Zq7Canary4X9"
	d, err := steps.NewDownstream("search-api:9001", time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{`{"password":"` + canary + `"}`, "token=" + canary, "Authorization: Bearer " + canary, "https://ada:" + canary + "@example.com/x", `"{\"secret\":\"` + canary + `\"}"`,
		"eyJhbGciOiJIUzI1NiJ9." + canary + canary + ".x", "AKIA" + "ZQ7CANARYX9ABCDE", "<pin>" + canary + "</pin>", "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----"}
	edges := []int{0}
	for n := range 90 {
		edges = append(edges, 120+n, 4<<10-120+2*n) // where the text ends, and what is looked at
	}
	for _, form := range forms {
		for _, around := range []func(string) string{
			func(s string) string { return s }, func(s string) string { return `{"a":1,"error":` + quoted(s) + `,"b":2}` }, func(s string) string { return `{"a":` + quoted(s) + `}` },
		} {
			for _, n := range edges {
				body := around(strings.Repeat("x", n) + " " + form + " and more")
				v := d.Judge(steps.Response{StatusCode: 500, Body: []byte(body), Header: http.Header{}}, time.Now())
				if strings.Contains(v.Error, canary[:5]) || strings.Contains(v.Error, "ZQ7CA") {
					t.Fatalf("after %d bytes: %s", n, v.Error)
				}
			}
		}
	}
	location := d.Judge(steps.Response{StatusCode: 302, Header: http.Header{"Location": {"https://ada:" + canary + "@example.com/x"}}}, time.Now())
	if strings.Contains(location.Error, canary[:5]) || !strings.Contains(location.Error, "example.com") {
		t.Errorf("a redirect: %s", location.Error)
	}
	if got := steps.Quote([]byte("no shard available, 2 of 3 tried")); got != "no shard available, 2 of 3 tried" {
		t.Errorf("a plain text became %s", got)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
