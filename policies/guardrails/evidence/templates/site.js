"use strict";
// Search and filter over rows that are already in the page: no server, no request.
(() => {
  const search = document.getElementById("search");
  if (!search) return;
  const verdict = document.getElementById("verdict");
  const framework = document.getElementById("framework");
  const severity = document.getElementById("severity");
  const shown = document.getElementById("shown");
  const rows = [...document.querySelectorAll("[data-text]")];
  const tiles = [...document.querySelectorAll(".tiles button")];
  for (const row of rows) row.dataset.text = row.dataset.text.toLowerCase();

  function matches(row, words) {
    const has = (value, list) => !value || list === undefined || list.split(" ").includes(value);
    return has(verdict.value, row.dataset.verdict)
      && has(framework.value, row.dataset.framework)
      && has(severity.value, row.dataset.severity)
      && words.every((word) => row.dataset.text.includes(word));
  }
  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.hidden = !matches(row, words);
      if (!row.hidden && row.closest("#findings")) count += 1;
    }
    for (const tile of tiles) tile.setAttribute("aria-pressed", String(tile.value === verdict.value));
    shown.textContent = `${count} verdict${count === 1 ? "" : "s"} shown`;
    const state = new URLSearchParams();
    for (const field of [search, verdict, framework, severity]) if (field.value) state.set(field.id, field.value);
    history.replaceState(null, "", state.size ? `#?${state}` : location.pathname);
  }
  for (const field of [search, verdict, framework, severity]) field.addEventListener("input", apply);
  for (const tile of tiles) {
    tile.addEventListener("click", () => {
      verdict.value = verdict.value === tile.value ? "" : tile.value;
      apply();
      document.getElementById("findings").scrollIntoView();
    });
  }
  if (location.hash.startsWith("#?")) {
    for (const [key, value] of new URLSearchParams(location.hash.slice(2))) {
      const field = document.getElementById(key);
      if (field) field.value = value;
    }
  }
  if (location.hash === "" || location.hash.startsWith("#?")) apply();
  window.addEventListener("beforeprint", () => {
    for (const element of document.querySelectorAll("details")) element.open = true;
  });
})();
