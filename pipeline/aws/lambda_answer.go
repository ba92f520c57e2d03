package aws

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"redrive/pipeline"
	"redrive/pipeline/steps"
)

// broke is the answer of a function that ended with an error.
func (l *LambdaCaller) broke(payload []byte) pipeline.Answer {
	var said struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}
	text := l.resource + " failed"
	if json.Unmarshal(payload, &said) != nil || said.ErrorType+said.ErrorMessage == "" {
		said.ErrorMessage = string(payload)
	}
	for _, words := range []string{said.ErrorType, said.ErrorMessage} {
		if words = steps.Quote([]byte(words)); words != "" {
			text += ": " + words
		}
	}
	a := pipeline.Answer{Kind: pipeline.AnswerTransient, Error: text, Cause: CauseFunction}
	if said.ErrorType == "Sandbox.Timedout" {
		a.Cause = pipeline.CauseTimeout
	}
	return a
}

// statusIn reads an answer in the form that functions behind an API gateway
// give, if it says that something went wrong.
func statusIn(payload []byte) (steps.Response, bool) {
	var answer map[string]json.RawMessage
	if json.Unmarshal(payload, &answer) != nil {
		return steps.Response{}, false
	}
	status, err := strconv.Atoi(string(answer["statusCode"]))
	if err != nil || status < 400 || status > 599 {
		return steps.Response{}, false
	}
	encoded := string(answer["isBase64Encoded"]) == "true"
	return steps.Response{StatusCode: status, Header: headersOf(answer["headers"]), Body: bodyOf(answer["body"], encoded)}, true
}

func headersOf(raw json.RawMessage) http.Header {
	header := make(http.Header)
	var values map[string]any
	if json.Unmarshal(raw, &values) == nil {
		for name, value := range values {
			header.Set(name, fmt.Sprint(value))
		}
	}
	return header
}

// bodyOf is the body of such an answer: the text in it, or the value itself.
func bodyOf(raw json.RawMessage, encoded bool) []byte {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return raw
	}
	if encoded {
		if body, err := base64.StdEncoding.DecodeString(text); err == nil {
			return body
		}
	}
	return []byte(text)
}
