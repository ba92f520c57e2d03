package api

import (
	"cmp"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"redrive/pipeline/access"
)

type object = map[string]any

// document is the OpenAPI 3.1 description of routes.
func document(base string, routes []route) object {
	paths, schemas := object{}, newSchemas()
	for _, r := range routes {
		item, ok := paths[r.path].(object)
		if !ok {
			item = object{}
			paths[r.path] = item
		}
		item[strings.ToLower(r.method)] = describe(r, schemas)
	}
	schemas.named["problem"] = problemSchema()
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Redrive", "version": "1",
			"description": "Every field that is named is always there: null where there is nothing, lists [], counts 0. Times are RFC 3339 in UTC. What is not known is refused with a 400 that names it.",
		},
		"servers": []object{{"url": cmp.Or(strings.TrimSuffix(base, "/"), "/")}},
		"paths":   paths,
		"components": object{
			"schemas":         schemas.named,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "A token of the console, asked for where the configuration has auth; x-role is the least role of a call."}},
		},
	}
}

func describe(r route, schemas *schemas) object {
	op := object{
		"operationId": operationID(r),
		"summary":     r.op.Summary,
		"tags":        []string{strings.Split(strings.TrimPrefix(r.path, "/api/v1/"), "/")[0]},
		"parameters":  append(pathParams(r.path), queryParams(r.op.Query)...),
		"responses":   responses(r.op, schemas),
	}
	if r.need != access.Nobody {
		op["x-role"] = string(r.need)
		op["security"] = []object{{"token": []string{}}, {}}
	}
	if r.op.Body != nil {
		op["requestBody"] = object{
			"required": needsBody(reflect.TypeOf(r.op.Body)),
			"content":  object{"application/json": object{"schema": schemas.body(reflect.TypeOf(r.op.Body))}},
		}
	}
	return op
}

func operationID(r route) string {
	words := strings.FieldsFunc(strings.TrimPrefix(r.path, "/api/v1"), func(c rune) bool { return strings.ContainsRune("/{}.-_", c) })
	return strings.ToLower(r.method) + "_" + strings.Join(words, "_")
}

func pathParams(path string) []object {
	params := []object{}
	for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		params = append(params, object{"name": name[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	return params
}

func queryParams(query []Param) []object {
	params := make([]object, len(query))
	for i, p := range query {
		schema := object{"type": "string"}
		if len(p.Enum) > 0 {
			schema["enum"] = p.Enum
		}
		if p.Name == "limit" {
			schema = object{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}
		}
		params[i] = object{"name": p.Name, "in": "query", "description": p.About, "schema": schema}
	}
	return params
}

func responses(op Operation, schemas *schemas) object {
	refused := object{
		"description": "What went wrong, in a sentence",
		"content":     object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/problem"}}},
	}
	all := object{"default": refused}
	if op.Answer == nil {
		all[strconv.Itoa(http.StatusBadRequest)] = refused
		return all
	}
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	all[strconv.Itoa(status)] = object{
		"description": http.StatusText(status),
		"content":     object{"application/json": object{"schema": schemas.answer(reflect.TypeOf(op.Answer))}},
	}
	return all
}

func needsBody(t reflect.Type) bool {
	return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Tag.Get("required") != "" })
}

func problemSchema() object {
	text := object{"type": "string"}
	return object{"type": "object", "required": []string{"type", "title", "status", "detail", "instance", "request_id", "field"}, "properties": object{
		"type": text, "title": text, "status": object{"type": "integer"}, "detail": text, "instance": text, "request_id": text,
		"field": object{"type": []string{"string", "null"}},
	}}
}
