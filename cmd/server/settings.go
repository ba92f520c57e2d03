package main

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"redrive/cmd/server/config"
	"redrive/views"
)

// inForce is the configuration as everybody who may look may see it. What is
// shown is listed here one by one: no secret, no header, no path or query of an
// address, and nothing that is added to the configuration later by itself.
func inForce(c *config.Config) []views.ConfigGroup {
	groups := []views.ConfigGroup{serverInForce(c), authInForce(c)}
	for _, p := range c.Pipelines {
		groups = append(groups, pipelineInForce(p))
	}
	for _, g := range []views.ConfigGroup{breakersInForce(c), sweepInForce(c), alarmsInForce(c), notifyInForce(c)} {
		if len(g.Rows) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func pairs(title string) views.ConfigGroup {
	return views.ConfigGroup{Title: title, Columns: []string{"Setting", "Value"}}
}

func serverInForce(c *config.Config) views.ConfigGroup {
	g := pairs("Server")
	g.Rows = [][]string{{"listen", c.Listen}, {"base_path", c.BasePath}, {"public_url", cmp.Or(hostOf(c.PublicURL), "none")},
		{"environment", c.Environment.Name + ", " + c.Environment.Colour}, {"backend", c.Backend}}
	if c.Backend == "aws" {
		return with(g, []string{"aws.region", cmp.Or(c.AWS.Region, "as the SDK finds it")}, []string{"aws.prefix", c.AWS.Prefix},
			[]string{"aws.provision", yesNo(c.AWS.Provision)}, []string{"part", cmp.Or(c.Only, "all")})
	}
	return with(g, []string{"embedded.durability", c.Embedded.Durability})
}

func with(g views.ConfigGroup, rows ...[]string) views.ConfigGroup {
	g.Rows = append(g.Rows, rows...)
	return g
}

func authInForce(c *config.Config) views.ConfigGroup {
	g := pairs("Who may come in")
	if !c.Auth.Enabled() {
		g.Rows = [][]string{{"auth", "none: whoever reaches the address may do everything"}}
		return g
	}
	g.Rows = [][]string{{"auth.local", yesNo(c.Auth.Local)}}
	oidc := "none"
	if c.Auth.OIDC != nil {
		oidc = hostOf(c.Auth.OIDC.Issuer)
	}
	return with(g, []string{"auth.oidc", oidc}, []string{"auth.sessions.idle", spelled(c.Auth.Sessions.Idle)},
		[]string{"auth.sessions.absolute", spelled(c.Auth.Sessions.Absolute)}, []string{"auth.bulk", strconv.Itoa(c.Auth.Bulk)})
}

func pipelineInForce(p config.Pipeline) views.ConfigGroup {
	g := views.ConfigGroup{Title: "Pipeline " + p.Name, Note: pipelineNote(p),
		Columns: []string{"Step", "Calls", "Needs", "Timeout", "At once", "Rate", "Retry", "Breaker"}}
	for _, s := range p.Steps {
		g.Rows = append(g.Rows, []string{s.Name, calls(s), cmp.Or(strings.Join(s.Needs, ", "), "–"), spelled(s.Timeout), strconv.Itoa(s.Concurrency),
			rate(s.Rate), retries(s.Retry), cmp.Or(s.Breaker, "–")})
	}
	return g
}

func pipelineNote(p config.Pipeline) string {
	note := "kept " + spelled(p.Retention) + "; payloads up to " + views.Bytes(p.Intake.MaxBytes) + "; signature " + cmp.Or(p.Intake.Signature.Scheme, "none")
	if p.Intake.Schema != nil {
		note += "; with a schema"
	}
	return note + ". What was changed in the console since is on the pages of the steps."
}

// calls is what a step calls, without what may be a secret: the path and query of
// an address, the account of a function.
func calls(s config.Step) string {
	switch s.Kind() {
	case "lambda":
		return "lambda " + last(s.Lambda.Function, ":function:")
	case "sqs":
		return "sqs " + last(s.SQS.Queue, "/")
	}
	return "http " + hostOf(s.HTTP.URL)
}

func last(text, after string) string {
	if i := strings.LastIndex(text, after); i >= 0 {
		return text[i+len(after):]
	}
	return text
}

// hostOf is the host of an address, with its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func rate(perSecond float64) string {
	if perSecond == 0 {
		return "no limit"
	}
	return views.Rate(perSecond)
}

func retries(r config.Retry) string {
	attempts := strconv.Itoa(r.Attempts) + " calls"
	if r.Attempts == 0 {
		attempts = "until it succeeds"
	}
	return attempts + ", " + spelled(r.Base) + " to " + spelled(r.Cap) + ", jitter " + r.Jitter
}

func breakersInForce(c *config.Config) views.ConfigGroup {
	g := views.ConfigGroup{Title: "Breakers", Columns: []string{"Breaker", "Failure rate", "Minimum calls", "Window", "Open for", "Probes"}}
	for _, b := range c.Breakers {
		g.Rows = append(g.Rows, []string{b.Name, decimal(b.FailureRate), strconv.Itoa(b.MinimumCalls), spelled(b.Window), spelled(b.OpenFor), strconv.Itoa(b.Probes)})
	}
	return g
}

func sweepInForce(c *config.Config) views.ConfigGroup {
	g := pairs("Sweep")
	g.Note = "What was changed in the console since is on the page of sweeps."
	g.Rows = [][]string{{"sweep.schedule", c.Sweep.Schedule + " (UTC)"}, {"sweep.stuck_after", spelled(c.Sweep.StuckAfter)}}
	return g
}

func alarmsInForce(c *config.Config) views.ConfigGroup {
	g := views.ConfigGroup{Title: "Alarms", Columns: []string{"Alarm", "When", "Of", "Over", "Without data", "Severity"}}
	for _, a := range c.Alarms {
		of := strings.Trim(a.Pipeline+"/"+a.Step, "/")
		g.Rows = append(g.Rows, []string{a.Name, a.Statistic + " " + a.Metric + " " + a.Comparison + " " + decimal(a.Threshold), cmp.Or(of, a.Breaker, "all"),
			strconv.Itoa(a.Datapoints) + " of " + strconv.Itoa(a.Periods) + " × " + spelled(a.Period), a.Missing, a.Severity})
	}
	return g
}

func notifyInForce(c *config.Config) views.ConfigGroup {
	g := views.ConfigGroup{Title: "Notify", Columns: []string{"Entry", "Kind", "Severities"}}
	for i, r := range c.Notify {
		g.Rows = append(g.Rows, []string{strconv.Itoa(i + 1), r.Kind, strings.Join(r.Severities, ", ")})
	}
	return g
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func yesNo(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

// spelled is a duration as the configuration has it, without the parts that are zero.
func spelled(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
