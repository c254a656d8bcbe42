// Filters immediately, keeps the page fresh, and shows relative times. The page is complete
// without it.
"use strict";

(() => {
  const EVERY = 5000;
  const form = document.getElementById("filter");
  const seen = new Map();
  let tag = null;

  const field = (name) => (form ? form.elements[name] : null);

  // Shows the rows that match the form, as the server would.
  function filter() {
    if (!form) return;
    const words = field("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = field("state").value;
    const platform = field("platform").value;
    const drifted = field("drifted").checked;
    const rows = document.querySelectorAll("#rows tbody");
    let shown = 0;
    for (const row of rows) {
      const text = words.length ? row.textContent.toLowerCase() : "";
      const fits =
        (!state || row.dataset.state === state) &&
        (!platform || row.dataset.platform === platform) &&
        (!drifted || "drifted" in row.dataset) &&
        words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    const told = `${shown} of ${rows.length} shown`;
    const status = document.getElementById("shown");
    if (status.textContent !== told) status.textContent = told;
    document.getElementById("nothing").hidden = shown > 0 || rows.length === 0;
    mark(new URLSearchParams(query()));
  }

  function query() {
    const set = [...new FormData(form)].filter(([, value]) => value !== "");
    return new URLSearchParams(set).toString();
  }

  // The tile of the current filter.
  function mark(current) {
    for (const tile of document.querySelectorAll("a.tile")) {
      const own = new URL(tile.href).searchParams;
      const fits = own.size
        ? [...own].every(([name, value]) => current.get(name) === value)
        : current.size === 0;
      if (fits) tile.setAttribute("aria-current", "true");
      else tile.removeAttribute("aria-current");
    }
  }

  function filtered() {
    const text = query();
    history.replaceState(null, "", text ? `/?${text}` : "/");
    filter();
  }

  // A tile sets the form; the search stays as it is.
  function choose(event) {
    const link = event.target.closest("a.tile, #nothing a");
    if (!link || !form || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const wanted = new URL(link.href).searchParams;
    field("state").value = wanted.get("state") ?? "";
    field("drifted").checked = wanted.has("drifted");
    if (!wanted.size) {
      field("q").value = "";
      field("platform").value = "";
    }
    filtered();
  }

  const STEPS = [
    [60, 1, "s"],
    [3600, 60, "min"],
    [86400, 3600, "h"],
    [Infinity, 86400, "d"],
  ];

  function ago() {
    for (const time of document.querySelectorAll("time")) {
      const seconds = Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000);
      const [, size, unit] = STEPS.find(([limit]) => seconds < limit);
      const text = `${Math.floor(seconds / size)} ${unit} ago`;
      time.title ||= time.textContent;
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // Replaces changed parts one by one, so that a selection or a scroll position stays.
  function replace(page) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || seen.get(part.id) === fresh.outerHTML) continue;
      seen.set(part.id, fresh.outerHTML);
      for (const open of part.querySelectorAll("details[open]")) {
        const same = fresh.querySelector(`#${open.id}`);
        if (same) same.open = true;
      }
      part.replaceWith(fresh);
    }
    document.title = page.title;
    // The first run of the daemon adds parts that did not exist.
    if (!form && page.getElementById("filter")) location.reload();
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch("/", { headers, cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload();
      if (answer.ok) {
        tag = answer.headers.get("etag");
        replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        filter();
      }
      document.body.classList.toggle("lost", !answer.ok && answer.status !== 304);
    } catch {
      document.body.classList.add("lost");
    }
    ago();
  }

  if (!document.getElementById("health")) return;
  document.documentElement.classList.add("js");
  for (const part of document.querySelectorAll("[data-live]")) seen.set(part.id, part.outerHTML);
  document.addEventListener("click", choose);
  if (form) {
    form.addEventListener("input", filtered);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      filtered();
    });
  }
  filter();
  ago();
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
