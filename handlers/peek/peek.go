// Package peek reads single values out of a JSON payload without parsing the
// rest of it. Intake looks at every payload this way, so it allocates nothing
// but the answer and stops as soon as it knows.
//
// It is no validator: what comes after the value it was asked for may be
// anything. Broken JSON before it gives "not found", never a panic.
package peek

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Text returns the scalar at a path of object keys as text: a string's content,
// a number or boolean as it is written. Null, objects, lists and the empty
// string count as not there.
func Text(payload []byte, path ...string) (string, bool) {
	value := payload
	for _, key := range path {
		var ok bool
		if value, ok = member(value, key); !ok {
			return "", false
		}
	}
	return scalar(value)
}

// String is Text for strings alone.
func String(payload []byte, key string) (string, bool) {
	value, ok := member(payload, key)
	if !ok || len(value) == 0 || value[0] != '"' {
		return "", false
	}
	return scalar(value)
}

// Size tells how deep objects and lists nest and how many keys all objects have,
// without recursion. Of broken JSON both are no less than a parser would meet.
func Size(payload []byte) (depth, keys int) {
	open := 0
	for i := 0; i < len(payload); i++ {
		switch payload[i] {
		case '"':
			i = skipString(payload, i) - 1
		case '{', '[':
			open++
			depth = max(depth, open)
		case '}', ']':
			open--
		case ':':
			keys++
		}
	}
	return depth, keys
}

// Depth is Size without the keys.
func Depth(payload []byte) int {
	depth, _ := Size(payload)
	return depth
}

// What is parsed as a whole nests no deeper than MaxDepth and has no more keys
// than MaxKeys: more costs far more to parse than to send.
const (
	MaxDepth = 64
	MaxKeys  = 10_000
)

// TooBig says in what a payload is over these bounds, or nothing.
func TooBig(payload []byte) string {
	switch depth, keys := Size(payload); {
	case depth > MaxDepth:
		return fmt.Sprintf("nests deeper than %d levels", MaxDepth)
	case keys > MaxKeys:
		return fmt.Sprintf("has more than %d keys", MaxKeys)
	}
	return ""
}

func scalar(value []byte) (string, bool) {
	end := skipValue(value, 0)
	if end <= 0 {
		return "", false
	}
	value = value[:end]
	switch value[0] {
	case '{', '[', 'n':
		return "", false
	case '"':
		var s string
		if json.Unmarshal(value, &s) != nil {
			return "", false
		}
		return s, s != ""
	}
	if !json.Valid(value) {
		return "", false
	}
	return string(value), true
}

// member returns what follows the colon of a key of the object that b is.
func member(b []byte, key string) ([]byte, bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return nil, false
	}
	for i++; ; i++ {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return nil, false
		}
		start := i
		i = skipString(b, i)
		name := b[start:min(i, len(b))]
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != ':' {
			return nil, false
		}
		i = skipSpace(b, i+1)
		if i >= len(b) {
			return nil, false
		}
		if sameName(name, key) {
			return b[i:], true
		}
		end := skipValue(b, i)
		if end < 0 {
			return nil, false
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return nil, false
		}
	}
}

func sameName(quoted []byte, key string) bool {
	if len(quoted) < 2 {
		return false
	}
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == key
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == key
}

// skipValue returns the index after the value that starts at i, -1 if it does
// not end or nests too deep.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			if i = skipString(b, i); i > len(b) {
				return -1
			}
		case c == '{' || c == '[':
			depth++
			i++
		case c == '}' || c == ']':
			depth--
			i++
		case depth == 0:
			return skipPlain(b, i)
		default:
			i++
			continue
		}
		if depth > MaxDepth {
			return -1
		}
		if depth <= 0 {
			return i
		}
	}
	return -1
}

// skipPlain returns the index after a number, true, false or null.
func skipPlain(b []byte, i int) int {
	start := i
	for i < len(b) && bytes.IndexByte([]byte(" \t\r\n,]}:"), b[i]) < 0 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// skipString returns the index after the string that starts at i, past the end
// if it does not end.
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		next := bytes.IndexByte(b[i:], '"')
		if next < 0 {
			break
		}
		i += next
		slashes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
	return len(b) + 1
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
