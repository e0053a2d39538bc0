"use strict";
(() => {
  const form = document.getElementById("filters");
  const fields = form.elements;
  const items = [...document.querySelectorAll("details.item")];
  const output = form.querySelector("output");
  const opener = document.getElementById("open");
  const names = ["q", "subject", "show", "below"];
  const texts = new Map();

  // Not the headings, which are the same in every item.
  const searched = ".question, .why, .tags, .small, .notes tbody :is(th, td:last-child), .text";
  const words = (item) => {
    if (!texts.has(item)) {
      const parts = [...item.querySelectorAll(searched)].map((part) => part.textContent);
      texts.set(item, parts.join("\n").toLowerCase());
    }
    return texts.get(item);
  };

  const matches = (item, query, subject, show, below) =>
    (!subject || item.dataset.subject === subject) &&
    (!show || item.dataset.state === show) &&
    (Number.isNaN(below) || Number(item.dataset.score) < below) &&
    query.every((word) => words(item).includes(word));

  const apply = () => {
    const query = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const below = parseFloat(fields.below.value);
    let shown = 0;
    for (const item of items) {
      item.hidden = !matches(item, query, fields.subject.value, fields.show.value, below);
      shown += !item.hidden;
    }
    output.textContent = `${shown} of ${items.length} item${items.length === 1 ? "" : "s"}`;
    document.getElementById("nothing").hidden = shown > 0;
    label();
  };

  const visible = () => items.filter((item) => !item.hidden);
  const label = () => {
    opener.textContent = visible().some((item) => !item.open) || !items.length ? "Open all" : "Close all";
  };

  const remember = () => {
    const state = new URLSearchParams();
    for (const name of names) if (fields[name].value) state.set(name, fields[name].value);
    history.replaceState(null, "", `#${state}`);
  };

  const recall = () => {
    const hash = location.hash.slice(1);
    const target = document.getElementById(hash);
    if (target?.matches("details.item")) {
      for (const name of names) fields[name].value = "";
      apply();
      target.open = true;
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    } else if (!target) {
      const state = new URLSearchParams(hash);
      for (const name of names) fields[name].value = state.get(name) ?? "";
      apply();
      if (names.some((name) => state.get(name))) document.getElementById("items").scrollIntoView();
    }
  };

  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  opener.addEventListener("click", () => {
    const open = !visible().every((item) => item.open);
    for (const item of visible()) item.open = open;
    label();
  });
  document.getElementById("list").addEventListener("toggle", label, true);
  addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
