// Package egress guards the calls this program makes to addresses that somebody
// wrote down: the URLs of steps and webhooks, the issuer of a login.
//
// The hosts of the configuration are the list of what may be called. They may be
// anywhere, also on this machine and in private networks: orders.internal and the
// inner name of a load balancer are what an operator means by them. A host nobody
// wrote down, such as one an answer names, is called at public addresses alone.
//
// Some addresses are never called, not even when they are written down or when a
// name that is written down stands for them: link-local ones and the metadata
// services of clouds, which hand out credentials; unspecified, multicast and
// reserved ones, which are no machine; and the forms of IPv6 that hide an IPv4
// address in a tunnel. NAT64 (64:ff9b::/96), which IPv6-only networks live by, is
// judged by the address inside.
//
// All this is decided about the address that is really connected to, after every
// lookup, so what a name stood for when it was looked at before is of no use to
// an attacker. A name that was at a public address is from then on, until the
// process ends, never followed to a loopback address: no operator moves a service
// there, a rebound name does. It is followed to private ones, because inner
// addresses of public names and fail-overs are everyday.
//
// No call uses a proxy of the environment or follows a redirect.
package egress
