package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemas collects the JSON Schemas of the Go types that are taken and answered.
type schemas struct{ named object }

func newSchemas() *schemas { return &schemas{named: object{}} }

// answer describes a type that is answered: every field is always there.
func (s *schemas) answer(t reflect.Type) object { return s.of(t, true) }

// body describes a type that is taken: only what is required must be there.
func (s *schemas) body(t reflect.Type) object { return s.of(t, false) }

func (s *schemas) of(t reflect.Type, answered bool) object {
	if known, ok := special(t); ok {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		schema := s.of(t.Elem(), answered)
		if kind, ok := schema["type"].(string); ok && answered {
			schema["type"] = []string{kind, "null"}
		}
		return schema
	case reflect.Struct:
		return s.ref(t, answered)
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem(), answered)}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	default:
		return object{}
	}
}

// special are the types that do not look in JSON as they do in Go.
func special(t reflect.Type) (object, bool) {
	switch t {
	case reflect.TypeFor[stamp]():
		return object{"type": []string{"string", "null"}, "format": "date-time"}, true
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}, true
	case reflect.TypeFor[span]():
		return object{"type": "string", "description": `as Go writes durations: "15m", "1h30m"`}, true
	case reflect.TypeFor[optional]():
		return object{"type": []string{"string", "null"}}, true
	case reflect.TypeFor[figure](), reflect.TypeFor[count]():
		return object{"type": []string{"number", "null"}}, true
	case reflect.TypeFor[json.RawMessage]():
		return object{}, true
	}
	return nil, false
}

func (s *schemas) ref(t reflect.Type, answered bool) object {
	name := t.Name()
	if _, done := s.named[name]; !done {
		s.named[name] = object{} // a type that holds itself finds its name taken
		s.named[name] = s.structure(t, answered)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) structure(t reflect.Type, answered bool) object {
	properties, must := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name := jsonName(f)
		property := s.of(f.Type, answered)
		if values := f.Tag.Get("enum"); values != "" {
			property["enum"] = enum(values, property)
		}
		if f.Tag.Get("supported") != "" {
			property["description"] = "not supported yet"
		}
		properties[name] = property
		if answered || f.Tag.Get("required") != "" {
			must = append(must, name)
		}
	}
	schema := object{"type": "object", "properties": properties, "required": must}
	if !answered {
		schema["additionalProperties"] = false
	}
	return schema
}

// enum lists the values allowed; null is one where there may be nothing.
func enum(values string, property object) []any {
	var all []any
	for _, value := range strings.Split(values, ",") {
		all = append(all, value)
	}
	if _, nullable := property["type"].([]string); nullable {
		all = append(all, nil)
	}
	return all
}
