// Runs before the first paint: the theme chosen here before, and the mark that scripts work.
(function () {
  "use strict";
  const root = document.documentElement;
  root.dataset.js = "on";

  function read(key) { try { return localStorage.getItem(key); } catch { return null; } }
  function keep(key, value) { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* private window */ } }

  const stored = read("redrive.theme");
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;

  const next = { "": "light", light: "dark", dark: "" };
  const words = { "": "as the system", light: "light", dark: "dark" };

  function label(button) {
    const text = "Theme: " + words[root.dataset.theme || ""];
    button.setAttribute("aria-label", text);
    button.title = text;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-switch]");
    if (!button) return;
    const theme = next[root.dataset.theme || ""];
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    keep("redrive.theme", theme);
    document.querySelectorAll("[data-theme-switch]").forEach(label);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-theme-switch]").forEach(label));
})();
