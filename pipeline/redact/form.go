package redact

import (
	"net/url"
	"strings"
)

// form masks the fields of a form; order and encoding of the rest stay.
func (m masker) form(body string) string {
	fields := strings.Split(body, "&")
	for i, field := range fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			fields[i] = m.text(field)
			continue
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			plain = value
		}
		masked := Mask
		if plain == "" || !Name(decoded(name)) {
			if masked = m.value(plain); masked == plain {
				continue
			}
		}
		fields[i] = name + "=" + strings.ReplaceAll(url.QueryEscape(masked), url.QueryEscape(Mask), Mask)
	}
	return strings.Join(fields, "&")
}

func decoded(name string) string {
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}
