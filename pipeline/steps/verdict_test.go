package steps

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestConnectionSentences(t *testing.T) {
	t.Parallel()
	step, err := NewHTTP(HTTPConfig{URL: "https://search-api:9001/index"})
	if err != nil {
		t.Fatal(err)
	}
	local, remote := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 51234}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9001}
	op := func(err error) error {
		return &net.OpError{Op: "read", Net: "tcp", Source: local, Addr: remote, Err: err}
	}
	for want, err := range map[string]error{
		"connection refused by search-api:9001":                      op(syscall.ECONNREFUSED),
		"no route to search-api:9001":                                op(syscall.EHOSTUNREACH),
		"connection broken by search-api:9001: no answer":            op(syscall.ECONNRESET),
		"no address found for host search-api":                       op(&net.DNSError{Err: "no such host", Name: "search-api", IsNotFound: true}),
		"lookup of host search-api: server misbehaving":              op(&net.DNSError{Err: "server misbehaving", Name: "search-api"}),
		"connection to search-api:9001: something new":               op(errors.New("something\nnew")),
		"certificate of search-api:9001 not accepted: x509: expired": &tls.CertificateVerificationError{Err: errors.New("x509: expired")},
		"certificate of search-api:9001 not accepted: x509: certificate signed by unknown authority": op(
			&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
	} {
		if got := step.connection(err, "no answer"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSpell(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		5 * time.Second: "5 s", 1500 * time.Millisecond: "1.5 s", 250 * time.Millisecond: "250 ms", 2 * time.Minute: "120 s",
	} {
		if got := spell(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestSaidIsTheSentenceOfAnAnswer(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"no shard available"}`:              "no shard available",
		`{"error":{"message":"no shard","code":3}}`:   "no shard",
		`{"title":"Bad Gateway","detail":"no relay"}`: "no relay",
		`{"code":7}`:   `{"code":7}`,
		`{"error":""}`: `{"error":""}`,
		`["x"]`:        `["x"]`,
		`half {`:       `half {`,
		``:             ``,
	} {
		if got := string(said([]byte(body))); got != want {
			t.Errorf("said(%s) = %q, want %q", body, got, want)
		}
	}
}
