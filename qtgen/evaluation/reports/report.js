// The items: search, filter and sort. The choice is in the address, so that it can be shared.
(() => {
  const form = document.getElementById("filters");
  const fields = form.elements;
  const list = document.getElementById("list");
  const items = [...list.querySelectorAll("details.item")];
  const ranks = new Map(items.map((item, rank) => [item, rank]));
  const output = form.querySelector("output");
  const opener = document.getElementById("open");
  const names = ["q", "subject", "show", "by", "order", "from", "below"].filter((name) => fields[name]);
  const texts = new Map();
  const columns = [...fields.by.options];

  // Not the headings, which are the same in every item.
  const searched = ".question, .why, .tags, .small, .file, .notes tbody :is(th, td:last-child), .text";
  const words = (item) => {
    if (!texts.has(item)) {
      const parts = [...item.querySelectorAll(searched)].map((part) => part.textContent);
      texts.set(item, parts.join("\n").toLowerCase());
    }
    return texts.get(item);
  };

  // The value of the chosen metric; NaN if the item has none.
  const value = (item) => parseFloat(item.dataset.values.split(" ")[fields.by.selectedIndex]);

  const matches = (item, query, subject, show, from, below) =>
    (!subject || item.dataset.subject === subject) &&
    (!show || item.dataset.state.split(" ").includes(show)) &&
    (Number.isNaN(from) || value(item) >= from) &&
    (Number.isNaN(below) || value(item) < below) &&
    query.every((word) => words(item).includes(word));

  const apply = () => {
    const query = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [from, below] = [parseFloat(fields.from.value), parseFloat(fields.below.value)];
    let shown = 0;
    for (const item of items) {
      item.hidden = !matches(item, query, fields.subject.value, fields.show?.value, from, below);
      shown += !item.hidden;
    }
    output.textContent = `${shown} of ${items.length} item${items.length === 1 ? "" : "s"}`;
    document.getElementById("nothing").hidden = shown > 0;
    label();
  };

  // Worst first: low values, or high ones if lower is better. Items without a value come last.
  const sort = () => {
    const { by, order } = fields;
    const column = columns[by.selectedIndex];
    const sign = (column?.dataset.better === "lower" ? -1 : 1) * (order.value === "best" ? -1 : 1);
    const compare = (first, second) => {
      const [x, y] = [value(first), value(second)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || ranks.get(first) - ranks.get(second);
      return sign * (x - y) || ranks.get(first) - ranks.get(second);
    };
    const title = (item) => item.querySelector(".question").textContent;
    const sorted = [...items];
    if (order.value === "title") sorted.sort((first, second) => title(first).localeCompare(title(second), "en"));
    else if (by.value || order.value) sorted.sort(compare);
    list.append(...sorted);
    for (const chosen of list.querySelectorAll(".chosen")) chosen.remove();
    if (!by.value || by.value === "change") return;
    for (const item of items) {
      const chosen = document.createElement("span");
      chosen.className = "chosen";
      const number = value(item);
      chosen.textContent = `${by.value} ${Number.isNaN(number) ? "–" : number.toFixed(3)}`;
      item.querySelector(".what").append(chosen);
    }
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
      sort();
      apply();
      target.open = true;
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    } else if (!target) {
      const state = new URLSearchParams(hash);
      for (const name of names) fields[name].value = state.get(name) ?? "";
      if (fields.by.selectedIndex < 0) fields.by.selectedIndex = 0;
      sort();
      apply();
      if (names.some((name) => state.get(name))) document.getElementById("items").scrollIntoView();
    }
  };

  document.querySelector(".scatter")?.addEventListener("click", (event) => {
    if (event.target.dataset.item) location.hash = event.target.dataset.item;
  });
  form.addEventListener("input", (event) => {
    if (event.target === fields.by || event.target === fields.order) sort();
    apply();
    remember();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  opener.addEventListener("click", () => {
    const open = !visible().every((item) => item.open);
    for (const item of visible()) item.open = open;
    label();
  });
  list.addEventListener("toggle", label, true);
  addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
