package awstest

import (
	"encoding/xml"
	"net/http"
	"net/url"
)

// SNS and STS speak AWS's query protocol: a form comes in, XML goes out.

// nameQuery reads the action from the form.
func nameQuery(s *service, target string) func(*Call) {
	return func(c *Call) {
		c.Action = form(c).Get("Action")
		c.Target, c.service = target+"."+c.Action, s
	}
}

func form(c *Call) url.Values {
	values, _ := url.ParseQuery(string(c.Body)) // what cannot be read is not there
	return values
}

// field is one element of an answer.
type field struct {
	XMLName xml.Name
	Text    string  `xml:",chardata"`
	Fields  []field `xml:",any"`
}

func element(name string, fields ...field) field {
	return field{XMLName: xml.Name{Local: name}, Fields: fields}
}

func text(name, value string) field { return field{XMLName: xml.Name{Local: name}, Text: value} }

// answerQuery wraps the result of an action as the protocol does.
func answerQuery(c *Call, result ...field) *Answer {
	return answerXML(200, element(c.Action+"Response",
		element(c.Action+"Result", result...),
		element("ResponseMetadata", text("RequestId", "request"))))
}

func refuseQuery(_ *Call, r Refusal) *Answer {
	return answerXML(r.Status, element("ErrorResponse",
		element("Error", text("Type", side(r)), text("Code", r.Code), text("Message", r.Message)),
		text("RequestId", "request")))
}

func answerXML(status int, f field) *Answer {
	body, err := xml.Marshal(f)
	if err != nil {
		panic(err) // texts only
	}
	return &Answer{Status: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: body}
}
