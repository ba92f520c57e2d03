package sqlite

import "testing"

// A cursor or id is what this package wrote, or none.
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{formatID(0), formatID(maxID), formatID(cellsBase << idBits), "", "0000000000000x", "zzzzzzzzzzzzz", "000000000000l", "ABCDEFGHJKMNP", "\xff000000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseID(text)
		if ok && (n < 0 || formatID(n) != text) {
			t.Errorf("%q is read as %d, which is written %q", text, n, formatID(n))
		}
	})
}
