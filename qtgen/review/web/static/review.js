// The review screen: tabs, the preview, the actions with their keys, and what to do if the page changed.

import { ApiError, dataOf, newId, send, tell, tellNext } from "./api.js";
import { showConflict } from "./conflict.js";
import { previewIn } from "./frame.js";
import * as keys from "./keys.js";

const RENEW = 4 * 60 * 1000; // a reservation lasts ten minutes
const MAX_SECONDS = 4 * 60 * 60;

let page;
let previews;
let tab;
let asSource = false;
let busy = false;
const opened = Date.now();

function byId(id) {
  return document.getElementById(id);
}

// ---- tabs

function tabs() {
  return [...document.querySelectorAll('[role="tab"]')];
}

function showTab(name) {
  const chosen = tabs().find((one) => one.dataset.tab === name);
  if (!chosen) return false;
  tab = name;
  for (const one of tabs()) {
    const isChosen = one === chosen;
    one.setAttribute("aria-selected", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
  }
  byId("panel").setAttribute("aria-labelledby", chosen.id);
  const address = new URL(location.href);
  address.searchParams.set("tab", name);
  address.searchParams.set("url", page.url);
  history.replaceState(null, "", address);
  render();
  return true;
}

function render() {
  const side = page.sides[tab];
  for (const part of document.querySelectorAll("[data-tabs]")) {
    part.hidden = !part.dataset.tabs.split(" ").includes(tab);
  }
  byId("rendered").hidden = !side || (asSource && tab === "changes");
  const source = byId("changes-source");
  if (source) source.hidden = !(asSource && tab === "changes");
  if (!side) return;
  const isBeside = side.is_merged === false;
  byId("rendered").classList.toggle("beside", isBeside);
  for (const part of document.querySelectorAll("[data-beside]")) part.hidden = !isBeside;
  const shown = isBeside ? [page.sides.old, page.sides.new] : [side];
  shown.forEach((one, number) => show(previews[number], one));
}

function show(preview, side) {
  if (page.has_bundle) {
    preview.show(side.markdown, side.marks);
    return;
  }
  const query = new URLSearchParams({ url: page.url, side: side.side, ...(page.queue ? { queue: page.queue } : {}) });
  preview.open(`/preview/approximate?${query}`);
}

function setUpTabs() {
  for (const one of tabs()) {
    one.addEventListener("click", (event) => {
      event.preventDefault();
      showTab(one.dataset.tab);
    });
    one.addEventListener("keydown", (event) => {
      const all = tabs();
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      let next = step && all[(all.indexOf(one) + step + all.length) % all.length];
      if (event.key === "Home") next = all[0];
      if (event.key === "End") next = all[all.length - 1];
      if (!next) return;
      event.preventDefault();
      showTab(next.dataset.tab);
      next.focus();
    });
  }
  const toggle = byId("as-source");
  if (toggle) {
    toggle.addEventListener("change", () => {
      asSource = toggle.checked;
      render();
    });
  }
}

// ---- actions

async function decide(action, more = {}) {
  if (busy) return;
  busy = true;
  const request = {
    id: newId(),
    action,
    url: page.url,
    file_digest: page.file_digest,
    queue: page.queue,
    shown: page.fields,
    rewrite: page.rewrite,
    seconds: Math.min(MAX_SECONDS, Math.round((Date.now() - opened) / 100) / 10),
    ...more,
  };
  try {
    await act(request);
  } finally {
    busy = false;
  }
}

async function act(request) {
  tell("Saving …");
  try {
    const reply = await send("POST", "/api/decisions", request);
    tellNext(reply.message);
    location.assign(reply.next);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell(error.message, "bad");
    if (error.status === 409 && error.data.now) showConflict(error.data, request.url, page.queue);
  }
}

function preference() {
  const chosen = document.querySelector('input[name="prefers"]:checked');
  return chosen ? { prefers: chosen.value } : {};
}

function approve() {
  if (page.is_pair && !preference().prefers) {
    tell("Choose the better text first: A, B, or no difference.", "bad");
    byId("prefer-a").focus();
    return;
  }
  decide(page.actions.approve.action, { ...page.actions.approve.more, ...preference() });
}

function openReasons() {
  if (page.actions.reject.without_reasons) {
    decide(page.actions.reject.action, { ...page.actions.reject.more });
    return;
  }
  const panel = byId("reasons");
  panel.hidden = false;
  panel.querySelector("button").focus();
  panel.scrollIntoView({ block: "nearest" });
}

function closeReasons() {
  const panel = byId("reasons");
  if (panel.hidden) return false;
  panel.hidden = true;
  byId("do-reject").focus();
  return true;
}

function reject(reason) {
  const note = byId("reject-note").value.trim();
  decide(page.actions.reject.action, { ...page.actions.reject.more, ...preference(), reasons: [reason], note });
}

function openNote() {
  byId("send-back").showModal();
  byId("note").focus();
}

function undo() {
  if (!page.undo) {
    tell("You have no decision to undo.");
    return;
  }
  const { id, url } = page.undo;
  decide("undo", { url, file_digest: "", undoes: id, shown: {}, rewrite: "" });
}

function go(address, end) {
  if (address) location.assign(address);
  else tell(end);
}

function setUpActions() {
  const click = (id, handler) => byId(id)?.addEventListener("click", handler);
  click("do-approve", approve);
  click("do-reject", openReasons);
  click("do-send-back", openNote);
  click("do-skip", () => decide("skip"));
  click("do-undo", undo);
  click("close-reasons", closeReasons);
  for (const button of document.querySelectorAll("[data-reason]")) {
    button.addEventListener("click", () => reject(button.dataset.reason));
  }
  byId("reasons")?.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeReasons();
  });
  byId("note")?.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !event.isComposing) {
      byId("send-back-form").requestSubmit(document.querySelector('#send-back-form [value="send"]'));
    }
  });
  byId("send-back-form")?.addEventListener("submit", (event) => {
    const submitter = event.submitter;
    if (!submitter || submitter.value !== "send") return;
    event.preventDefault();
    const note = byId("note").value.trim();
    if (!note) {
      byId("note-error").textContent = "Write what should be different. The model gets your note.";
      byId("note").focus();
      return;
    }
    byId("send-back").close();
    decide("send-back", { note });
  });
}

function setUpKeys() {
  const table = {
    j: () => go(page.next, "This is the last page of the queue."),
    k: () => go(page.previous, "This is the first page of the queue."),
    c: () => showTab("changes"),
    o: () => showTab("old"),
    n: () => showTab("new"),
    p: () => showTab("search"),
    u: () => page.may_write && undo(),
    s: () => byId("do-skip")?.click(),
    a: () => byId("do-approve")?.click(),
    r: () => byId("do-reject")?.click(),
    b: () => byId("do-send-back")?.click(),
    e: () => byId("do-edit")?.click(),
    Escape: closeReasons,
  };
  for (const button of document.querySelectorAll("[data-reason]")) {
    table[button.dataset.key] = () => !byId("reasons").hidden && button.click();
  }
  keys.bind(table);
}

// ---- other reviewers

async function reserve() {
  try {
    const reply = await send("POST", "/api/reserve", { url: page.url });
    byId("reserved").textContent = reply.hint;
    byId("reserved").hidden = !reply.hint;
  } catch {
    // It is a hint only. The next action shows what is wrong.
  }
}

export function start() {
  page = dataOf("page-data");
  previews = [...document.querySelectorAll("#rendered iframe")].map((frame) => previewIn(frame, page.has_bundle));
  setUpTabs();
  setUpActions();
  setUpKeys();
  showTab(page.tab);
  if (page.may_write) {
    reserve();
    setInterval(reserve, RENEW);
  }
}
