package aws

import "testing"

func TestSameKey(t *testing.T) {
	t.Parallel()
	const (
		id  = "1234abcd-12ab-34cd-56ef-1234567890ab"
		arn = "arn:aws:kms:eu-west-1:123456789012:key/" + id
	)
	for _, c := range []struct {
		want, have string
		same       bool
	}{
		{"", "", true}, {id, "", false}, {"", arn, false}, {id, arn, true}, {arn, id, true}, {arn, arn, true}, {"other", arn, false},
		{"alias/a", "alias/a", true}, {"alias/a", "alias/b", false}, {"alias/a", arn, true}, {"arn:aws:kms:eu-west-1:123456789012:alias/a", "alias/a", false},
	} {
		if sameKey(c.want, c.have) != c.same {
			t.Errorf("%q and %q: want %v", c.want, c.have, c.same)
		}
	}
}
