package aws
import ("testing";"time";"sort")
func TestZZBase(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	t0 := time.Now()
	m := w.start().ready()
	t.Log("ready", time.Since(t0))
	m.submit(10)
	t.Log("submitted", time.Since(t0))
	w.within(30*time.Second, "two rows are dead", func() bool { return m.letters() == 2 })
	t.Log("dead", time.Since(t0))
	w.down.change(func(l *ledger) { l.mended = true })
	m.redriveAll()
	t.Log("redriven", time.Since(t0))
	w.reconcile(leeway{})
	t.Log("reconciled", time.Since(t0))
	by := map[string]int{}
	for _, c := range append(w.dynamo.Calls(""), w.sqs.Calls("")...) { by[c.Action]++ }
	var ks []string
	for k := range by { ks = append(ks,k) }
	sort.Strings(ks)
	for _, k := range ks { t.Log(k, by[k]) }
}
