package redact

import (
	"fmt"
	"log/slog"
)

// Attr masks secrets in an attribute of a log line: the ReplaceAttr of a slog
// handler.
func Attr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(logged(a.Key, a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error, fmt.Stringer:
			a.Value = slog.StringValue(logged(a.Key, fmt.Sprint(v)))
		case []byte:
			a.Value = slog.StringValue(logged(a.Key, string(v)))
		}
	}
	return a
}

func logged(key, text string) string {
	if text != "" && Name(key) {
		return Mask
	}
	return Text(text)
}
