package breaker

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// spell writes a duration as people say it: "30 s", "1 min 30 s", "2 h", "250 ms".
func spell(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(max(d, 0).Milliseconds(), 10) + " ms"
	}
	if d < time.Minute {
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	}
	d = d.Round(time.Second)
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, " h"}, {time.Minute, " min"}, {time.Second, " s"}} {
		if n := d / unit.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+unit.name)
		}
		d %= unit.size
	}
	return strings.Join(parts, " ")
}

// percent writes a share with at most one decimal: "70 %", "66.7 %".
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + " %"
}
