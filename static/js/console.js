// Small things of every page: toasts, copying, answers of htmx.
(function () {
  "use strict";

  function toast(text) {
    const box = document.getElementById("toasts");
    if (!box) return;
    const line = document.createElement("div");
    line.className = "toast";
    line.append(text);
    box.replaceChildren(line);
    setTimeout(() => line.remove(), 8000);
  }
  document.addEventListener("redrive:toast", (event) => toast(event.detail));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      toast("Copied.");
    } catch {
      getSelection().selectAllChildren(source);
      toast("Selected; copy it with the keyboard.");
    }
  });

  // The answer to a form that was refused is the form with the reason: show it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const html = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");
    if (xhr.status >= 400 && xhr.status < 500 && html) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:responseError", (event) => toast(`Not done: the server answered ${event.detail.xhr.status}. What you typed is kept.`));
  document.addEventListener("htmx:sendError", () => toast("Not sent: no connection. What you typed is kept."));
})();
