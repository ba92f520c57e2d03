package config

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// reader goes through one file and collects what is wrong with it.
type reader struct {
	file      string // as it is named in mistakes
	dir       string // what relative paths are relative to
	env       Env
	over      Overrides
	mistakes  []Mistake
	warnings  []Warning
	backend   string         // "embedded", "aws" or, where it is not known, ""; read before what depends on it
	pipelines map[string]int // names and lines
	breakers  map[string]int // names and lines of the breakers, read before what refers to them
	queues    queues         // on SQS that the file speaks of
	remote    []remote       // what calls AWS, whatever the backend
	secretAt  int            // the first line that holds a secret itself, 0 for none
}

// section is one mapping of the file. A key counts as known once it was asked
// for, so the readers themselves are the one list of keys.
type section struct {
	r       *reader
	kind    string // what mistakes call it: "step", "retry"
	line    int
	entries map[string]entry
	order   []string
	known   []string
	broken  bool // no mapping at all: what is missing in it is not worth saying
}

type entry struct {
	line  int
	value ast.Node
}

// section reads a mapping; nil stands for one that was left out.
func (r *reader) section(kind string, line int, n ast.Node) *section {
	s := &section{r: r, kind: kind, line: line, entries: map[string]entry{}}
	switch n := n.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		for i, pair := range n.Values {
			if i == 0 && !n.IsFlowStyle {
				s.line = lineOf(pair.Key)
			}
			s.add(pair)
		}
	case *ast.MappingValueNode:
		s.line = lineOf(n.Key)
		s.add(n)
	default:
		s.broken = true
		if !r.refused(n) {
			r.mistake(lineOf(n), "write keys and values below it", "%s is %s", kind, shape(n))
		}
	}
	return s
}

func (s *section) add(pair *ast.MappingValueNode) {
	key, line := keyText(pair.Key), lineOf(pair.Key)
	switch pair.Key.(type) {
	case *ast.MergeKeyNode, *ast.MappingKeyNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		s.r.mistake(line, "write each key and value out", "%s has a merged, tagged or complex key", s.kind)
		return
	}
	if earlier, twice := s.entries[key]; twice {
		s.r.mistake(line, fmt.Sprintf("keep one of it and the one in line %d", earlier.line), "%s is given twice in %s", quote(key), s.kind)
		return
	}
	s.entries[key] = entry{line, pair.Value}
	s.order = append(s.order, key)
}

// close reports the keys nobody asked for.
func (s *section) close() {
	if s.broken {
		return
	}
	known := map[string]bool{}
	for _, k := range s.known {
		known[k] = true
	}
	for _, key := range s.order {
		if e, left := s.entries[key]; left && !known[key] {
			s.r.mistake(e.line, fmt.Sprintf("the nearest known key is %q", nearest(key, s.known)), "unknown key %s in %s", quote(key), s.kind)
		}
	}
}

// get gives the node of a key; a key without a value counts as left out.
func (s *section) get(key string) (entry, bool) {
	s.known = append(s.known, key)
	e, ok := s.entries[key]
	if !ok || e.value == nil {
		return entry{line: s.line}, false
	}
	if _, null := e.value.(*ast.NullNode); null {
		return entry{line: e.line}, false
	}
	return e, true
}

// child reads the mapping below a key.
func (s *section) child(key string) *section {
	e, _ := s.get(key)
	return s.r.section(key, e.line, e.value)
}

// need reports a key that has no default and was left out.
func (s *section) need(key, example string) bool {
	e, ok := s.get(key)
	if !ok && !s.broken {
		s.r.mistake(e.line, "add "+example, "%s has no %s", s.kind, key)
	}
	return ok
}

// items gives the entries of a list.
func (s *section) items(key string) (items []ast.Node, given bool) {
	e, ok := s.get(key)
	if !ok {
		return nil, false
	}
	seq, ok := e.value.(*ast.SequenceNode)
	if !ok {
		if !s.r.refused(e.value) {
			s.r.mistake(lineOf(e.value), "write it as [a, b] or with a dash a line", "%s is %s, not a list", key, shape(e.value))
		}
		return nil, true
	}
	return seq.Values, true
}

// refused reports what the format leaves out on purpose: an alias costs nothing
// to write and can stand for gigabytes.
func (r *reader) refused(n ast.Node) bool {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		r.mistake(lineOf(n), "write the value out", "anchors and aliases are not read")
	case *ast.TagNode:
		r.mistake(lineOf(n), "write the value alone", "tags are not read")
	default:
		return false
	}
	return true
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return max(1, n.GetToken().Position.Line)
}

func keyText(n ast.MapKeyNode) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func shape(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// quote shows a text from the file in a message: on one line and not too long.
func quote(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return strconv.Quote(text)
}
