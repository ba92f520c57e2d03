package config

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalar is a single value of the file as text, whatever YAML takes it for:
// what it has to be is decided by the key it stands at.
type scalar struct {
	text string // with the environment put in
	raw  string // as written; mistakes show this, never what ${X} stood for
	line int
}

// fault is what is wrong with a value and what would be right.
type fault struct{ wrong, right string }

// parse turns a text into a value; the fault completes `KEY "TEXT" ...`.
type parse[T any] func(text string) (T, *fault)

// read gives the value of a key, or the fallback where it is left out or wrong.
func read[T any](s *section, key string, fallback T, into parse[T]) T {
	e, ok := s.get(key)
	if !ok {
		return fallback
	}
	return element(s, key, e.value, fallback, into)
}

// list gives the values of a list of single values.
func list[T any](s *section, key string, fallback []T, into parse[T]) []T {
	items, given := s.items(key)
	if !given {
		return fallback
	}
	values := make([]T, 0, len(items))
	for _, n := range items {
		wrong := len(s.r.mistakes)
		var none T
		if v := element(s, key, n, none, into); len(s.r.mistakes) == wrong {
			values = append(values, v)
		}
	}
	return values
}

func element[T any](s *section, key string, n ast.Node, fallback T, into parse[T]) T {
	v, ok := s.r.scalar(key, n)
	if !ok {
		return fallback
	}
	value, f := into(v.text)
	if f != nil {
		s.r.mistake(v.line, f.right, "%s %s %s", key, quote(unsigned(v.raw)), f.wrong)
		return fallback
	}
	return value
}

var credentials = regexp.MustCompile(`(://)[^/?#]*@|(\?).*`)

// unsigned takes out of a URL what may be a password or token: mistakes end up in
// logs and chats.
func unsigned(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return credentials.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '?' {
			return "?…"
		}
		return "://…@"
	})
}

// scalar reads a single value and puts the environment into it.
func (r *reader) scalar(key string, n ast.Node) (scalar, bool) {
	v := scalar{line: lineOf(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		v.raw = n.Value
	case *ast.LiteralNode:
		v.raw = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		v.raw = n.GetToken().Value
	case *ast.NullNode, nil:
		r.mistake(v.line, "give a value or take the line out", "%s has an empty entry", key)
		return v, false
	default:
		if !r.refused(n) {
			r.mistake(v.line, "write a single value", "%s is %s", key, shape(n))
		}
		return v, false
	}
	var ok bool
	v.text, ok = r.expand(key, v)
	return v, ok
}

var variable = regexp.MustCompile(`\$\{[^}]*\}?`)
var variableName = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expand replaces each ${NAME}. What is put in is not looked at again, and as
// the tree is already built it can never become a key, a list or a comment.
func (r *reader) expand(key string, v scalar) (text string, ok bool) {
	ok = true
	text = variable.ReplaceAllStringFunc(v.raw, func(found string) string {
		name := variableName.FindStringSubmatch(found)
		if name == nil {
			ok = false
			r.mistake(v.line, "write ${NAME} with letters, digits and _", "%s refers to no environment variable with %s", key, quote(found))
			return ""
		}
		value, set := r.env(name[1])
		if !set {
			ok = false
			r.mistake(v.line, "set "+name[1]+" or write the value here", "%s needs the environment variable %s, which is not set", key, name[1])
		}
		return strings.ToValidUTF8(value, "\uFFFD")
	})
	return text, ok
}
