package views

import "context"

func iconHref(ctx context.Context, name string) string {
	return pageOf(ctx).asset("icons.svg") + "#i-" + name
}

func switchClass(state string) string {
	switch state {
	case "open":
		return "sw-open"
	case "half-open":
		return "sw-half"
	default:
		return "sw-closed"
	}
}
