// A page that changed since it was shown: what you saw, what is there now, and what you wrote. Nothing is lost.

import { element } from "./api.js";

// Return a text with its changes as elements. The offsets count code points.
function marked(value, marks) {
  const characters = [...value];
  const parts = [];
  let done = 0;
  for (const [start, end, kind] of marks) {
    parts.push(characters.slice(done, start).join(""), element(kind, { textContent: characters.slice(start, end).join("") }));
    done = end;
  }
  return [...parts, characters.slice(done).join("")];
}

function text(conflict, version, field) {
  const value = conflict[version]?.[field];
  if (value === undefined || value === null) return element("i", { textContent: "not known" });
  return element("pre", {}, marked(value, conflict.marks?.[version]?.[field] || []));
}

function rows(conflict) {
  const yours = conflict.yours || {};
  const hasYours = Object.keys(yours).length > 0;
  const heads = ["Field", "What you saw", "What is there now", ...(hasYours ? ["What you wrote"] : [])];
  const head = element("tr", {}, heads.map((one) => element("th", { textContent: one, scope: "col" })));
  const cell = (label, version, field) => element("td", { role: "cell", "data-label": label }, [text(conflict, version, field)]);
  const body = Object.keys(conflict.labels)
    .filter((field) => [conflict.seen, yours].some((one) => one && field in one && one[field] !== conflict.now[field]))
    .map((field) =>
      element("tr", { role: "row" }, [
        element("th", { textContent: conflict.labels[field], scope: "row", role: "rowheader" }),
        cell("What you saw", "seen", field),
        cell("What is there now", "now", field),
        ...(hasYours ? [cell("What you wrote", "yours", field)] : []),
      ]),
    );
  if (!body.length) {
    const note = "The texts are the same, but another part of the file changed.";
    body.push(element("tr", {}, [element("td", { colSpan: heads.length, textContent: note })]));
  }
  return element("table", { class: "conflict", role: "table" }, [element("thead", {}, [head]), element("tbody", {}, body)]);
}

// Show the dialog. `onKeep` is called if the reviewer wants to keep editing what they wrote, on top of what is there now.
export function showConflict(conflict, url, queue, onKeep = null) {
  const reload = element("button", { textContent: "Show the page as it is now", class: onKeep ? "" : "primary" });
  const close = element("button", { textContent: "Close", class: "quiet" });
  const actions = [close, reload];
  const dialog = element("dialog", { class: "wide", id: "conflict" }, [
    element("h2", { textContent: "The page changed while you had it open", id: "conflict-title" }),
    element("p", { textContent: "Nothing was saved. The marks show what differs from the text that you saw." }),
    element("div", { class: "scroll", tabIndex: 0 }, [rows(conflict)]),
  ]);
  dialog.setAttribute("aria-labelledby", "conflict-title");
  if (onKeep) {
    const note = "If you keep editing, your text goes back into the editor. Saving it then overwrites what is there now in the fields that you changed.";
    dialog.append(element("p", { textContent: note }));
    const keep = element("button", { textContent: "Keep editing my text", class: "primary" });
    keep.addEventListener("click", () => {
      dialog.close();
      onKeep();
    });
    actions.push(keep);
  }
  dialog.append(element("div", { class: "dialog-actions" }, actions));
  close.addEventListener("click", () => dialog.close());
  reload.addEventListener("click", () => {
    const address = new URL("/review", location.href);
    address.searchParams.set("url", url);
    if (queue) address.searchParams.set("queue", queue);
    location.assign(address);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
