package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"redrive/pipeline/egress"
)

const (
	sendFor    = 8 * time.Second
	answerMost = 4 << 10
)

// sender posts JSON to one address and follows no redirect.
type sender struct {
	url    string
	client *http.Client
}

func newSender(address string) (sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return sender{}, errors.New("the address of a route is an http or https URL without user and password")
	}
	if err := egress.CheckHost(u.Hostname()); err != nil {
		return sender{}, fmt.Errorf("the host of the route's address %w", err)
	}
	return sender{url: address, client: egress.New(u.Hostname()).Client(sendFor, answerMost)}, nil
}

// post sends once. Its errors never carry the address, which is a secret, nor
// anything of the answer, which may repeat it.
func (s sender) post(ctx context.Context, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		return errors.New("the address of this route cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "redrive")
	res, err := s.client.Do(req)
	if err != nil {
		return reason(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // only to reuse the connection
	if res.StatusCode/100 != 2 {
		return errors.New(strings.TrimSpace(fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))))
	}
	return nil
}

// reason says what kind of thing went wrong, in words of our own.
func reason(err error) error {
	timeout, network := errors.AsType[net.Error](err)
	refusal, refused := errors.AsType[*egress.Refusal](err)
	dns, lookup := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case refused:
		return fmt.Errorf("not sent: the address of this route stands for %s, %s", refusal.Addr, refusal.Why)
	case lookup && dns.IsNotFound:
		return errors.New("could not connect: no address found for the host of this route")
	case lookup:
		return errors.New("could not connect: the host of this route could not be looked up")
	case errors.Is(err, context.DeadlineExceeded), network && timeout.Timeout():
		return errors.New("no answer in time; it may have arrived, so it is not sent again")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("could not connect: connection refused")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return errors.New("could not connect: no route to the host")
	case certificate:
		return errors.New("could not connect: the certificate is not accepted")
	case errors.Is(err, context.Canceled):
		return errors.New("broken off; it may have arrived, so it is not sent again")
	}
	return errors.New("no whole answer; it may have arrived, so it is not sent again")
}
