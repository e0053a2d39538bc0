// The edit screen: a live preview, live diagnostics, a counter, and drafts that survive whatever happens.

import { ApiError, coded, dataOf, element, newId, send, tell, tellNext } from "./api.js";
import { showConflict } from "./conflict.js";
import { previewIn } from "./frame.js";

const CHECK_AFTER = 400; // milliseconds after the last key
const SAVE_AFTER = 2000;

let page;
let preview;
let opened = Date.now();
let isSaving = false;
let isDone = false;
let saved; // the draft as the server has it
let checkTimer;
let draftTimer;
let checks = 0;

function byId(id) {
  return document.getElementById(id);
}

function inputs() {
  return [...document.querySelectorAll("[data-field]")];
}

function typed() {
  return JSON.stringify([values(), byId("note").value]);
}

function values() {
  return Object.fromEntries(inputs().map((one) => [one.dataset.field, one.value]));
}

function changed() {
  return Object.fromEntries(Object.entries(values()).filter(([field, value]) => value !== page.fields[field]));
}

// ---- counter, preview, diagnostics

function count() {
  if (!page.description) return;
  const { min, max } = page.description;
  const length = [...byId("description").value].length;
  const counter = byId("counter");
  const isLong = max !== null && length > max;
  const advice = isLong ? `; shorten it to ${max}` : min !== null && length < min ? `; write at least ${min}` : "";
  counter.textContent = `${length}${max === null ? "" : ` of ${max}`} characters${advice}`;
  counter.classList.toggle("bad", Boolean(advice));
}

function place(one) {
  const isNamed = one.message.startsWith(`\`${one.field}\``);
  const where = one.answer_line ? `line ${one.answer_line}` : isNamed ? "" : one.field || "";
  return where ? `${where}: ` : "";
}

function showDiagnostics(reply) {
  const list = byId("diagnostics");
  const rows = reply.diagnostics.map((one) => {
    const kind = one.is_new && one.severity === "error" ? "error" : one.severity;
    return element("li", { class: one.is_new ? "is-new" : "" }, [
      element("span", { class: `badge ${kind}`, textContent: one.code }),
      ` ${place(one)}`,
      ...coded(one.message),
      ...(one.is_new ? [element("b", { textContent: " (new)" })] : []),
    ]);
  });
  list.replaceChildren(...rows);
  byId("no-diagnostics").hidden = rows.length > 0;
  const errors = reply.new_errors;
  byId("blocked").hidden = !errors;
  byId("blocked").textContent = errors
    ? `The edit adds ${errors === 1 ? "an error" : `${errors} errors`} that the page did not have. Fix ${errors === 1 ? "it" : "them"} to save.`
    : "";
  byId("save").disabled = errors > 0;
}

async function check() {
  const number = ++checks;
  try {
    const reply = await send("POST", "/api/check", { url: page.url, queue: page.queue, fields: changed() });
    if (number !== checks) return; // the reviewer typed on
    showDiagnostics(reply);
  } catch (error) {
    if (number !== checks || !(error instanceof ApiError)) return;
    byId("blocked").hidden = false;
    byId("blocked").replaceChildren(...coded(error.message));
    byId("save").disabled = error.status !== 409; // saving shows the texts of a page that changed
  }
}

function approximate() {
  preview.open(`/preview/approximate?${new URLSearchParams({ url: page.url, side: "draft", t: Date.now() })}`);
}

function show() {
  if (page.has_bundle) preview.show(byId("answer")?.value ?? "");
}

// ---- drafts

async function saveDraft() {
  const text = typed();
  if (isDone || text === saved) return;
  try {
    await send("PUT", "/api/drafts", { url: page.url, file_digest: page.file_digest, fields: changed(), note: byId("note").value }, { outlives: true });
    saved = text;
    if (!page.has_bundle) approximate();
    byId("draft").textContent = Object.keys(changed()).length ? "Draft saved" : "No changes";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    byId("draft").replaceChildren(...coded(`The draft is not saved: ${error.message}`));
  }
}

function onInput() {
  count();
  show();
  byId("draft").textContent = "Typing …";
  clearTimeout(checkTimer);
  clearTimeout(draftTimer);
  checkTimer = setTimeout(check, CHECK_AFTER);
  draftTimer = setTimeout(saveDraft, SAVE_AFTER);
}

async function discard() {
  for (const one of inputs()) one.value = page.fields[one.dataset.field];
  onInput();
  clearTimeout(draftTimer);
  await saveDraft();
  byId("restored").hidden = true;
  inputs()[0]?.focus();
}

// Continue with the text of the rewrite that the page does not have.
function useOther() {
  if (Object.keys(changed()).length && !window.confirm("This replaces what you typed. Continue?")) return;
  for (const one of inputs()) one.value = page.other[one.dataset.field];
  onInput();
  inputs()[0]?.focus();
}

// ---- saving

async function save() {
  const fields = changed();
  if (!Object.keys(fields).length) {
    tell("Nothing has changed.");
    return;
  }
  if (isSaving) return;
  const answer = document.querySelector('input[name="acceptable"]:checked');
  if (!answer) {
    tell("Not saved yet. Could the page be published as it was? Choose Yes or No first.", "bad");
    byId("polish").focus();
    return;
  }
  isSaving = true;
  byId("save").disabled = true;
  tell("Saving …");
  const request = {
    id: newId(),
    action: "edit",
    url: page.url,
    file_digest: page.file_digest,
    queue: page.queue,
    shown: page.fields,
    fields,
    acceptable: answer.value === "true",
    note: byId("note").value.trim(),
    seconds: Math.round((Date.now() - opened) / 100) / 10,
  };
  try {
    const reply = await send("POST", "/api/decisions", request);
    isDone = true;
    tellNext(reply.message);
    location.assign(reply.next);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    byId("save").disabled = false;
    if (error.status === 409 && error.data.now) {
      tell("The page changed while you had it open. Nothing was saved.", "bad");
      showConflict(error.data, page.url, page.queue, () => keepMine(error.data));
    } else {
      tell(error.message, "bad");
    }
  } finally {
    isSaving = false;
  }
}

// Continue with what the reviewer typed, on top of the page as it is now. Fields that they left alone become the new ones.
function keepMine(conflict) {
  const mine = changed();
  page.fields = conflict.now;
  page.file_digest = conflict.file_digest;
  for (const one of inputs()) one.value = mine[one.dataset.field] ?? conflict.now[one.dataset.field];
  tell("This is your text on top of the page as it is now.");
  onInput();
}

export function start() {
  page = dataOf("edit-data");
  preview = previewIn(byId("frame"), page.has_bundle);
  count();
  show();
  if (!page.has_bundle) approximate();
  if (!page.may_save) return;
  saved = typed();
  for (const one of [...inputs(), byId("note")]) one.addEventListener("input", onInput);
  byId("edit-form").addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  byId("discard").addEventListener("click", discard);
  byId("use-other")?.addEventListener("click", useOther);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") save();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isDone && typed() !== saved) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") saveDraft();
  });
  check();
}
