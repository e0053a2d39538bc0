"use strict";
// Tables with `data-sortable` sort by a click on a column's name. A form with `data-filters=ID` filters their rows.
(() => {
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };
  const order = (first, second) => {
    const [x, y] = [Number(first), Number(second)];
    return Number.isNaN(x) || Number.isNaN(y) ? first.localeCompare(second, "en") : x - y;
  };

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const names = [...table.tHead.rows[0].cells];
    names.forEach((name, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...name.childNodes);
      name.append(button);
      button.addEventListener("click", () => {
        const first = name.classList.contains("n") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const direction = name.getAttribute("aria-sort") === first ? other : first;
        for (const cell of names) cell.removeAttribute("aria-sort");
        name.setAttribute("aria-sort", direction);
        const sign = direction === "ascending" ? 1 : -1;
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => sign * order(key(a, column), key(b, column)));
        table.tBodies[0].append(...rows);
      });
    });
  }

  for (const form of document.querySelectorAll("form[data-filters]")) {
    const rows = [...document.getElementById(form.dataset.filters).tBodies[0].rows];
    const [query, subject] = [form.elements.q, form.elements.subject];
    const apply = () => {
      const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !!subject?.value && row.dataset.subject !== subject.value || !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }
})();
