package aws

import (
	"fmt"
	"strings"
)

// sameKey tells whether the key of a configuration is the one a service names.
// A service may name an alias or an id by its ARN. Which key an alias stands
// for only KMS could tell, so any key will do for one.
func sameKey(want, have string) bool {
	switch {
	case want == have:
		return true
	case want == "" || have == "":
		return false
	case strings.HasSuffix(have, ":"+want), strings.HasSuffix(have, "/"+want), strings.HasSuffix(want, "/"+have):
		return true
	}
	return strings.Contains(want, "alias/") && strings.Contains(have, ":key/")
}

func keyName(key string) string {
	if key == "" {
		return "by AWS's own key"
	}
	return "by " + key
}

// untagged says which tags of the configuration are not there, empty if all are.
// Further tags are left alone.
func (p *Provisioner) untagged(have map[string]string) string {
	var missing []string
	for _, key := range orderedKeys(p.bp.Tags) {
		if value, ok := have[key]; !ok || value != p.bp.Tags[key] {
			missing = append(missing, fmt.Sprintf("%s=%s", key, p.bp.Tags[key]))
		}
	}
	return strings.Join(missing, ", ")
}
