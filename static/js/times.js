// UTC or local time, the clock of the bar, countdowns and ages.
(function () {
  "use strict";
  const zoneKey = "redrive.zone";
  let local = false;
  try { local = localStorage.getItem(zoneKey) === "local"; } catch { /* private window */ }
  const pad = (n) => String(n).padStart(2, "0");
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function clock(d) {
    return local ? `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}` : d.toISOString().slice(11, 19);
  }
  function day(d) {
    return local ? `${d.getDate()} ${months[d.getMonth()]}` : `${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
  }
  function say(el) {
    const d = new Date(el.dateTime);
    if (Number.isNaN(d.getTime())) return;
    const kind = el.dataset.time;
    set(el, kind === "datetime" ? `${day(d)} ${clock(d)}` : kind === "minute" ? clock(d).slice(0, 5) : kind === "day" ? day(d) : clock(d));
  }
  function left(seconds) {
    const s = Math.max(0, Math.ceil(seconds));
    if (s < 3600) return `${Math.floor(s / 60)}:${pad(s % 60)}`;
    return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  }
  // The same steps as Age in views/format.go.
  function age(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} m`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  }
  function set(el, text) { if (el.textContent !== text) el.textContent = text; }

  // The browser's clock may be wrong: count from the server's.
  const bar = document.querySelector("time[data-clock]");
  const skew = bar ? new Date(bar.dateTime).getTime() - Date.now() : 0;
  const now = () => Date.now() + skew;

  function tick() {
    if (bar) set(bar, clock(new Date(now())));
    document.querySelectorAll("time[data-countdown]").forEach((el) => set(el, left((new Date(el.dateTime) - now()) / 1000)));
    document.querySelectorAll("time[data-ago]").forEach((el) => set(el, age((now() - new Date(el.dateTime)) / 1000)));
  }
  function all() {
    document.querySelectorAll("[data-zone]").forEach((el) => set(el, local ? "local" : "UTC"));
    if (local) document.querySelectorAll("time[data-time]").forEach(say);
    tick();
  }
  function switchZone() {
    local = !local;
    try { localStorage.setItem(zoneKey, local ? "local" : "utc"); } catch { /* private window */ }
    document.querySelectorAll("[data-zone-switch]").forEach((el) => { el.title = local ? "Times are local. Switch to UTC." : "Times are UTC. Switch to local time."; });
    document.querySelectorAll("time[data-time]").forEach(say);
    all();
  }

  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-zone-switch]")) switchZone(); });
  document.addEventListener("redrive:zone", switchZone);
  document.addEventListener("redrive:refreshed", all);
  document.addEventListener("htmx:afterSettle", all);
  all();
  setInterval(tick, 1000);
})();
