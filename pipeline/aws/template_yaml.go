package aws

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The template is written out by hand, as it has few forms: a mapping keeps its
// order, so that the same configuration gives the same text.
type (
	yamlMap  []yamlEntry
	yamlList []any
	yamlTag  struct{ name, text string } // !Sub "...", !GetAtt ...

	yamlEntry struct {
		key   string
		value any // yamlMap, yamlList, yamlTag, string, int, float64 or bool
	}
)

func (m *yamlMap) add(key string, value any) { *m = append(*m, yamlEntry{key, value}) }

// yamlText writes a mapping.
func yamlText(m yamlMap) string {
	var b strings.Builder
	m.write(&b, "")
	return b.String()
}

func (m yamlMap) write(b *strings.Builder, indent string) {
	for _, e := range m {
		b.WriteString(indent + yamlString(e.key) + ":")
		writeBelow(b, indent, e.value)
	}
}

func writeBelow(b *strings.Builder, indent string, value any) {
	switch v := value.(type) {
	case yamlMap:
		b.WriteByte('\n')
		v.write(b, indent+"  ")
	case yamlList:
		b.WriteByte('\n')
		for _, item := range v {
			writeItem(b, indent+"  ", item)
		}
	default:
		b.WriteString(" " + yamlScalar(v) + "\n")
	}
}

// writeItem writes the first entry of a mapping beside its dash.
func writeItem(b *strings.Builder, indent string, item any) {
	m, ok := item.(yamlMap)
	if !ok {
		b.WriteString(indent + "- " + yamlScalar(item) + "\n")
		return
	}
	var inner strings.Builder
	m.write(&inner, indent+"  ")
	b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
}

func yamlScalar(value any) string {
	switch v := value.(type) {
	case yamlTag:
		return v.name + " " + yamlString(v.text)
	case string:
		return yamlString(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// plainForm is text that no reader of YAML takes for anything but text.
var plainForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_:.-]*[A-Za-z0-9]$`)

func yamlString(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null":
		return strconv.Quote(s)
	}
	if plainForm.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted is text in double quotes, as JSON and YAML both read it.
func quoted(s string) string {
	text, _ := jsonText(s)
	return text
}
