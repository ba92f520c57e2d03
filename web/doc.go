// Package web is the console's HTTP shell: every URL, the order of what a
// request passes on its way, and the server with its deadlines.
//
// A request meets, from the outside in: an id, the security headers, the log,
// the proxies' word on who asks, the list of hosts that may be asked for, the
// base path, the actor, the net under panics, and, but for intake, the refusal
// of changes that another site's page asks for, and an end to the wait of who
// reads. Then comes its route.
package web
