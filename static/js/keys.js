// Keys: / searches, ? shows the sheet, g and a letter goes to a page, j k Enter x
// work in lists, Escape leads back.
(function () {
  "use strict";
  const sheet = document.getElementById("keys");
  let gone = 0; // when g was pressed

  function typing(el) { return el.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"); }
  function lines() { return [...document.querySelectorAll("main table.table tbody tr")].filter((tr) => tr.querySelector("a[href]") && tr.checkVisibility()); }
  function link(line) { return line.querySelector("a.cell[href], a.rid[href], a[href]"); }
  function step(by) {
    const list = lines();
    if (!list.length) return;
    const at = list.findIndex((line) => line.contains(document.activeElement));
    const line = list[Math.min(list.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by))];
    link(line).focus();
    line.scrollIntoView({ block: "nearest" });
  }
  function send(name) { document.dispatchEvent(new CustomEvent(name)); }

  function escape(el) {
    if (document.querySelector(":popover-open, dialog[open]")) return;
    if (typing(el)) { el.blur(); return; }
    const details = el.closest?.("details[open]");
    if (details) { details.open = false; details.querySelector("summary")?.focus(); return; }
    const back = document.querySelector("main a[data-back]")?.href || sheet?.dataset.back;
    if (back) location.assign(back);
  }

  const plain = {
    "/": () => { const q = document.getElementById("q"); q?.focus(); q?.select(); },
    "?": () => sheet?.togglePopover(),
    "g": (el, event) => { gone = event.timeStamp; }, // of the key, however busy the page is
    "j": () => step(1),
    "k": () => step(-1),
    "x": (el) => el.closest?.("tr")?.querySelector("input[data-select]")?.click(),
    "p": () => send("redrive:pause"),
    "t": () => send("redrive:zone"),
  };

  document.addEventListener("keydown", (event) => {
    const el = event.target;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") { escape(el); return; }
    if (typing(el)) return;
    if (gone && event.timeStamp - gone < 1500) {
      gone = 0;
      const to = document.querySelector(`#nav a[data-key="${CSS.escape(event.key)}"]`);
      if (to) { event.preventDefault(); location.assign(to.href); }
      return;
    }
    const act = plain[event.key];
    if (!act) return;
    event.preventDefault();
    act(el, event);
  });
})();
