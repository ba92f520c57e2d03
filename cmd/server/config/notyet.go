package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// notYet lists what the format knows and this version does not do. A line goes
// when the feature comes; the key is then read like any other.
var notYet = []struct{ section, key string }{
	{section: "configuration", key: "auth"},
}

// dropNotYet reports the keys of the section that are not supported yet and
// takes them out, so that nothing else is said about them.
func (s *section) dropNotYet() {
	for _, n := range notYet {
		if n.section != s.kind {
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

// saysNothing is true of a value that asks for nothing: writing `auth: {}`
// changes nothing, so it does no harm.
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
