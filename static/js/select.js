// Boxes of lists: the box that ticks all, ranges with Shift, and buttons that say how many.
(function () {
  "use strict";
  let last = null;

  function scope(el) { return el.closest("form") || el.closest("table") || document; }
  function boxes(root) { return [...root.querySelectorAll("input[data-select]:not(:disabled)")]; }

  function count(root) {
    const list = boxes(root);
    const n = list.filter((box) => box.checked).length;
    list.forEach((box) => box.closest("tr")?.classList.toggle("is-on", box.checked));
    root.querySelectorAll("[data-select-all]").forEach((box) => {
      box.checked = n > 0 && n === list.length;
      box.indeterminate = n > 0 && n < list.length;
    });
    root.querySelectorAll("[data-count-label]").forEach((button) => {
      button.textContent = button.dataset.countLabel.replace("%d", n);
      button.disabled = n === 0;
    });
    root.querySelectorAll("[data-when-selected]").forEach((el) => { el.hidden = n === 0; });
  }

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches?.("input[data-select]")) return;
    const list = boxes(scope(box));
    if (event.shiftKey && last && last !== box && list.includes(last)) {
      const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
      list.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
    last = box;
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches?.("input[data-select-all]")) boxes(scope(box)).forEach((other) => { other.checked = box.checked; });
    if (box.matches?.("input[data-select-all], input[data-select]")) count(scope(box));
  });
  function all() {
    new Set([...document.querySelectorAll("[data-select], [data-count-label]")].map(scope)).forEach(count);
  }
  document.addEventListener("redrive:refreshed", all);
  document.addEventListener("htmx:afterSettle", all);
  addEventListener("pageshow", all);
  all();
})();
