// Package notify tells people of alarms: Slack and any webhook. A message that
// may have arrived is never sent again.
package notify
