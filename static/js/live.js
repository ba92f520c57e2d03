// Live pages. The server says what changed; this reads the page again and morphs
// the parts that care, at most once a second. It stops while a person is at work
// on the page, and the mark in the bar says why.
(function () {
  "use strict";
  const gap = 1000; // milliseconds between two readings
  const settled = 2000; // milliseconds until every figure has caught up with the news of it
  const mark = document.getElementById("live-mark");
  const base = document.body.dataset.base || "/";
  if (!mark || !window.EventSource) return;

  let source = null, online = true, due = new Set(), timer = 0, reading = false, last = 0;
  let late = new Set(), echo = 0, opened = false;
  let byHand = "";          // "" | "paused" | "live": what the person chose
  const typed = new WeakSet();

  // Why the page stands still; empty while it follows.
  function selected() { return document.querySelectorAll("input[data-select]:checked").length; }
  function changedForm() {
    return [...document.forms].find((form) => !form.hasAttribute("data-no-pause") && typed.has(form) &&
      [...form.elements].some((el) => el.matches("textarea, input:not([type=hidden], [type=checkbox], [type=radio], [type=submit])") && el.value !== el.defaultValue));
  }
  function why() {
    if (byHand === "live") return "";
    if (byHand === "paused") return "by you";
    const n = selected();
    if (n) return n === 1 ? "1 row selected" : `${n} rows selected`;
    return changedForm() ? "form has text" : "";
  }

  function show() {
    const reason = why();
    const text = reason ? `Paused, ${reason}` : online ? "Live" : "No connection";
    const label = mark.querySelector("span");
    if (label.textContent !== text) label.textContent = text.replace("Paused, by you", "Paused by you");
    mark.classList.toggle("paused", !!reason);
    mark.classList.toggle("offline", !reason && !online);
    const use = mark.querySelector("use");
    const icon = reason ? "#i-pause" : online ? "#i-live" : "#i-offline";
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, icon));
    return !reason;
  }

  function toggle() {
    const paused = why() !== "";
    byHand = paused ? (byHand === "paused" ? "" : "live") : "paused";
    if (byHand === "" && why()) byHand = "live";
    if (show()) schedule();
  }
  mark.addEventListener("click", toggle);
  document.addEventListener("redrive:pause", toggle);

  // A choice to go on in spite of a selection ends with that selection.
  function worked() {
    if (byHand === "live" && !selected() && !changedForm()) byHand = "";
    if (show()) schedule();
  }
  document.addEventListener("input", (event) => { if (event.target.form) typed.add(event.target.form); worked(); });
  document.addEventListener("change", worked);
  document.addEventListener("reset", () => setTimeout(worked));

  // What changed.
  function topics(el, name) { return (el.getAttribute(name) || "").split(/\s+/); }
  function heard(changed) {
    document.querySelectorAll("[data-live][id]").forEach((el) => {
      if (topics(el, "data-live").some((t) => changed.has(t))) { due.add(el.id); late.add(el.id); }
    });
    document.querySelectorAll("[data-live-list]").forEach((el) => {
      if (topics(el, "data-live-list").some((t) => changed.has(t))) el.querySelectorAll("[data-live-chip]").forEach((chip) => { chip.hidden = false; });
    });
    settle();
    schedule();
  }
  // Figures may be a moment older than the news: when it is quiet, look once more.
  function settle() {
    clearTimeout(echo);
    echo = late.size ? setTimeout(() => { late.forEach((id) => due.add(id)); late = new Set(); schedule(); }, settled) : 0;
  }
  function schedule() {
    if (!due.size || timer || reading || document.hidden || why()) return;
    timer = setTimeout(read, Math.max(0, last + gap - Date.now()));
  }

  async function read() {
    timer = 0;
    if (!due.size || document.hidden || !show()) return;
    const ids = [...due];
    due = new Set();
    reading = true;
    try {
      const fresh = await page(ids);
      if (fresh && !why()) ids.forEach((id) => morph(document.getElementById(id), fresh.getElementById(id)));
      else if (fresh) ids.forEach((id) => due.add(id));
      document.dispatchEvent(new CustomEvent("redrive:refreshed"));
    } catch {
      ids.forEach((id) => due.add(id));
    } finally {
      reading = false;
      last = Date.now();
      show();
      schedule();
    }
  }
  async function page(ids) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Redrive-Live": ids.join(" ") }, credentials: "same-origin" });
    if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname !== location.pathname)) {
      location.assign(location.pathname + location.search); // not reload, which would send a form again
      return null;
    }
    if (answer.status === 404 || answer.status === 405) { source?.close(); return null; } // what a form answered with: there is nothing to read again
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }
  function morph(el, fresh) {
    if (!el || !fresh) return;
    const open = (node) => node.matches?.("details, dialog, [popover]");
    Idiomorph.morph(el, document.adoptNode(fresh), {
      morphStyle: "outerHTML", ignoreActiveValue: true, restoreFocus: true,
      callbacks: { beforeAttributeUpdated: (name, node) => !(name === "open" && open(node)) },
    });
    window.htmx?.process(document.getElementById(el.id) || document.body);
  }

  // New lines of a list come when they are asked for.
  document.addEventListener("click", async (event) => {
    const chip = event.target.closest?.("[data-live-chip]");
    const list = chip?.closest("[data-live-list][id]");
    if (!list || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const fresh = await page([list.id]);
      const now = fresh?.getElementById(list.id);
      if (!now) { location.reload(); return; }
      list.replaceWith(document.adoptNode(now));
      window.htmx?.process(now);
      document.dispatchEvent(new CustomEvent("redrive:refreshed"));
      worked();
    } catch {
      document.dispatchEvent(new CustomEvent("redrive:toast", { detail: "No connection: the list is as old as before." }));
    }
  });

  // One connection for a visible tab, none for a hidden one.
  function listen() {
    if (source || document.hidden) return;
    source = new EventSource(base + "events");
    const on = (event) => heard(new Set(event.data.split(/[\s,]+/).filter(Boolean)));
    source.addEventListener("message", on);
    source.addEventListener("changed", on);
    source.addEventListener("open", () => { if (!online) missed(); else if (!opened) caughtUp(); online = opened = true; show(); });
    source.addEventListener("error", () => { online = false; show(); if (source?.readyState === EventSource.CLOSED) { hush(); setTimeout(listen, 5000); } });
  }
  function hush() { source?.close(); source = null; }
  // What happened while the page was on its way here, nobody told us either.
  function caughtUp() {
    document.querySelectorAll("[data-live][id]").forEach((el) => late.add(el.id));
    settle();
  }
  // Nobody told us what happened in between: read all of it.
  function missed() {
    document.querySelectorAll("[data-live][id]").forEach((el) => due.add(el.id));
    document.querySelectorAll("[data-live-list] [data-live-chip]").forEach((chip) => { chip.hidden = false; });
    schedule();
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) hush(); else { listen(); missed(); } });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); missed(); } });
  show();
  listen();
})();
