package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// notYet lists what the format knows and this version does not do. A line goes
// when the feature comes; the key or value is then read like any other.
var notYet = []struct{ section, key, value string }{
	{section: "configuration", key: "backend", value: "aws"},
	{section: "configuration", key: "aws"},
	{section: "configuration", key: "auth"},
	{section: "configuration", key: "queues"},
	{section: "intake", key: "source_queue"},
	{section: "step", key: "lambda"},
	{section: "step", key: "sqs"},
	{section: "step", key: "exclusive"},
	{section: "step", key: "keep_result"},
	{section: "notify", key: "kind", value: "sms"},
	{section: "command line", key: "--only"},
}

// dropNotYet reports the keys of the section that are not supported yet and
// takes them out, so that nothing else is said about them.
func (s *section) dropNotYet() {
	for _, n := range notYet {
		if n.section != s.kind || n.value != "" {
			continue
		}
		s.known = append(s.known, n.key)
		e, given := s.entries[n.key]
		delete(s.entries, n.key)
		if given && !saysNothing(e.value) {
			s.r.mistake(e.line, "leave it out", "%s is not supported yet", n.key)
		}
	}
}

// valueNotYet reports a value that is not supported yet.
func (s *section) valueNotYet(key string, v scalar) bool {
	for _, n := range notYet {
		if n.section == s.kind && n.key == key && n.value != "" && n.value == v.text {
			s.r.mistake(v.line, "leave it out or choose another", "%s: %s is not supported yet", key, n.value)
			return true
		}
	}
	return false
}

// flagNotYet says whether a flag is not supported yet.
func flagNotYet(flag string) bool {
	for _, n := range notYet {
		if n.section == "command line" && n.key == flag {
			return true
		}
	}
	return false
}

// saysNothing is true of a value that asks for nothing: writing `exclusive:
// false` or `queues: []` changes nothing, so it does no harm.
func saysNothing(n ast.Node) bool {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.BoolNode:
		return !n.Value
	case *ast.StringNode:
		return strings.TrimSpace(n.Value) == ""
	case *ast.SequenceNode:
		return len(n.Values) == 0
	case *ast.MappingNode:
		return len(n.Values) == 0
	default:
		return false
	}
}
