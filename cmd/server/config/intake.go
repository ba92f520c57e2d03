package config

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func intake(pipeline string, s *section) Intake {
	defer s.close()
	in := Intake{
		IdempotencyKey: read(s, "idempotency_key", IdempotencyKey{Source: "none"}, idempotencyKey),
		Signature:      signature(s),
		MaxBytes:       int64(read(s, "max_bytes", 256<<10, whole(1, maxPayload))),
	}
	in.SourceQueue = sourceQueue(s, pipeline, in.Signature)
	if e, _ := s.get("max_bytes"); in.MaxBytes > maxItem && s.r.backend == "aws" {
		s.r.mistake(lineOf(e.value), fmt.Sprintf("give at most %d", maxItem), "max_bytes %d does not fit: with backend: aws a payload is one item of DynamoDB", in.MaxBytes)
	}
	in.SchemaFile, in.Schema = schema(s)
	return in
}

// sourceQueue reads the queue on which others bring rows in.
func sourceQueue(s *section, pipeline string, signature Signature) string {
	queue := read(s, "source_queue", "", optional(queueName))
	if queue == "" {
		return ""
	}
	e, _ := s.get("source_queue")
	at := lineOf(e.value)
	s.r.queues.sources = append(s.r.queues.sources, queueUse{pipeline: pipeline, queue: queue, line: at})
	if s.r.backend == "embedded" {
		s.r.mistake(at, "set backend: aws or take it out", "source_queue is read from SQS, and the backend is embedded")
	}
	if signature.Scheme != "none" {
		s.r.warn(at, "messages from source_queue %s are not verified: the signature is asked for at /ingest/%s alone", queue, pipeline)
	}
	if isFIFO(queue) {
		s.r.warn(at, "rows run side by side: the order of source_queue %s is not kept", queue)
	}
	return queue
}

// idempotencyKey reads header:NAME, json:path.to.field or none.
func idempotencyKey(text string) (IdempotencyKey, *fault) {
	source, rest, _ := strings.Cut(text, ":")
	switch source {
	case "none":
		if text == "none" {
			return IdempotencyKey{Source: "none"}, nil
		}
	case "header":
		if tokenForm.MatchString(rest) {
			return IdempotencyKey{Source: source, Header: textproto.CanonicalMIMEHeaderKey(rest), Attribute: rest}, nil
		}
		return IdempotencyKey{}, &fault{"names no header", "write header:NAME, such as header:X-GitHub-Delivery"}
	case "json":
		if path := strings.Split(rest, "."); !slices.Contains(path, "") {
			return IdempotencyKey{Source: source, Path: path}, nil
		}
		return IdempotencyKey{}, &fault{"names no field", "write json:path.to.field, such as json:event.id"}
	}
	return IdempotencyKey{}, &fault{"is not known", "write header:NAME, json:path.to.field or none"}
}

func signature(s *section) Signature {
	e, given := s.get("signature")
	if !given {
		return Signature{Scheme: "none"}
	}
	sig := s.r.section("signature", e.line, e.value)
	defer sig.close()
	scheme := required(sig, "scheme", "scheme: github, stripe, standard-webhooks or none", oneOf("github", "stripe", "standard-webhooks", "none"))
	secret, given := sig.secret("secret")
	previous, _ := sig.secret("previous_secret")
	switch {
	case scheme == "none" && given:
		s.r.warn(sig.line, "the secret is not used: with scheme none nothing is signed")
		return Signature{Scheme: scheme}
	case scheme == "none":
		return Signature{Scheme: scheme}
	case scheme == "":
	case !given && !sig.broken:
		s.r.mistake(sig.line, "add secret or secret_file", "signature %s has no secret", scheme)
	case scheme == "standard-webhooks":
		sig.webhookKey("secret", secret)
		sig.webhookKey("previous_secret", previous)
	}
	return Signature{scheme, secret, previous}
}

func (s *section) webhookKey(key string, secret Secret) {
	if !secret.Empty() && !isWebhookKey(secret.text) {
		s.r.mistake(s.secretLine(key), "write whsec_ and the key in base64, as the sender shows it", "the %s is not one of Standard Webhooks", key)
	}
}

func isWebhookKey(text string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	return err == nil && len(key) > 0
}

const maxSchema = 4 << 20

// schema compiles the JSON Schema a key names. What it refers to may be other
// files, never another machine.
func schema(s *section) (path string, compiled *jsonschema.Schema) {
	e, given := s.get("schema")
	if !given {
		return "", nil
	}
	v, ok := s.r.scalar("schema", e.value)
	if !ok || v.text == "" {
		return "", nil
	}
	text, err := s.r.readFile(v.text, maxSchema)
	if err != nil {
		s.r.mistake(v.line, "name a file this process can read", "schema %s cannot be read: %s", quote(v.raw), reason(err))
		return "", nil
	}
	path = s.r.resolve(v.text)
	compiled, err = compile(path, text)
	if err != nil {
		s.r.mistake(v.line, "mend the file", "schema %s is not a JSON Schema: %s", quote(v.raw), oneLine(err))
		return "", nil
	}
	return path, compiled
}

func compile(path string, text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{"file": jsonschema.FileLoader{}})
	address := (&url.URL{Scheme: "file", Path: path}).String()
	if err := c.AddResource(address, doc); err != nil {
		return nil, err
	}
	return c.Compile(address)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
