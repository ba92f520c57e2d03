package oidc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	timeout    = 10 * time.Second
	mostAnswer = 1 << 20 // bytes
	mostHeader = 64 << 10
)

// answerError says, after the name of an endpoint, what is wrong with its answer.
type answerError string

func (e answerError) Error() string { return string(e) }

// newClient makes a client that follows no redirect and takes no answer but JSON of
// bearable size, within timeout.
func newClient(next http.RoundTripper) *http.Client {
	if next == nil {
		next = &http.Transport{
			Proxy:                  nil, // the environment has no say
			TLSHandshakeTimeout:    timeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: mostHeader,
		}
	}
	return &http.Client{Transport: strict{next}, Timeout: timeout}
}

// strict reads an answer whole before anybody parses it. The libraries behind it put a
// body they do not understand into their errors; none gets that far. A redirect is an
// error here, so that the client never sees one to follow.
type strict struct{ next http.RoundTripper }

func (s strict) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil {
		return nil, err
	}
	if err := acceptable(req.Method, resp, body); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func acceptable(method string, resp *http.Response, body []byte) error {
	status := resp.StatusCode
	refusal := method == http.MethodPost && status/100 == 4 // of the token endpoint, with the reason in JSON
	switch {
	case status/100 == 3:
		return answerError("redirects, which is not followed; write the address it stands for")
	case refusal && !object(body):
		return answerError(fmt.Sprintf("answers with status %d and no reason", status))
	case status != http.StatusOK && !refusal:
		return answerError(fmt.Sprintf("answers with status %d", status))
	case len(body) > mostAnswer:
		return answerError(fmt.Sprintf("answers with more than %d bytes", mostAnswer))
	case !object(body):
		return answerError("does not answer with a JSON object; is the address right?")
	}
	return nil
}

func object(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && json.Valid(body)
}
